import { Button, Paper, Select, Stack, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { plainAmount, useFormat } from '../format.ts'
import { tell } from '../ui/problems.ts'
import { type Category, categories } from './queries.ts'
import staff from './staff.module.css'

export type Values = { name: string; category: Category; description: string; price: string; stock: string }

/** As the server takes it; what is no number it refuses at its field. */
function bodyOf({ price, stock, ...values }: Values) {
  const count = stock.replace(/\s/g, '')
  return { ...values, price: plainAmount(price), stock: count === '' ? Number.NaN : Number(count) }
}
export type Body = ReturnType<typeof bodyOf>

type Props = {
  initial: Values
  action: string
  busy: boolean
  children?: ReactNode
  /** Of what was typed: `changed` is only what differs from the beginning. */
  onSend: (body: Body, changed: Partial<Body>) => Promise<unknown>
}

export function ProductForm({ initial, action, busy, children, onSend }: Props) {
  const { t } = useTranslation()
  const { currencySign } = useFormat()
  // The server may tell of other values meanwhile; what was changed is measured by what was shown.
  const [before] = useState(() => bodyOf(initial))
  const form = useForm({ initialValues: initial })
  const send = (values: Values) => {
    const body = bodyOf(values)
    const changed = Object.fromEntries(
      Object.entries(body).filter(([name, value]) => value !== before[name as keyof typeof before]),
    )
    return onSend(body, changed).catch((error) => tell(error, form))
  }
  return (
    <form noValidate onSubmit={form.onSubmit((values) => void send(values))}>
      <Paper withBorder p={{ base: 'md', sm: 'xl' }}>
        <Stack gap="lg">
          <TextInput
            label={t('shop.stockroom.name')}
            placeholder={t('shop.stockroom.name_hint')}
            maxLength={200}
            {...form.getInputProps('name')}
          />
          <Select
            label={t('shop.stockroom.category')}
            data={categories.map((value) => ({ value, label: t(`shop.category.${value}`) }))}
            {...form.getInputProps('category')}
          />
          <div className={staff.pair}>
            <TextInput
              label={t('shop.stockroom.price', { sign: currencySign() })}
              inputMode="decimal"
              autoComplete="off"
              {...form.getInputProps('price')}
            />
            <TextInput
              label={t('shop.stockroom.stock')}
              description={initial.name ? t('shop.stockroom.stock_hint') : undefined}
              inputMode="numeric"
              autoComplete="off"
              inputWrapperOrder={['label', 'input', 'error', 'description']}
              {...form.getInputProps('stock')}
            />
          </div>
          <Textarea
            label={t('shop.stockroom.description')}
            placeholder={t('shop.stockroom.description_hint')}
            autosize
            minRows={3}
            maxRows={12}
            maxLength={10_000}
            {...form.getInputProps('description')}
          />
          <div className={staff.buttons}>
            <Button type="submit" size="lg" loading={busy}>
              {action}
            </Button>
            {children}
          </div>
        </Stack>
      </Paper>
    </form>
  )
}
