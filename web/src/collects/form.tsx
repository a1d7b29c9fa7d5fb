import { Button, Paper, Stack, Text, Textarea, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { useProfile } from '../accounts/queries.ts'
import { plainAmount, useFormat } from '../format.ts'
import { PictureField, usePreview } from '../ui/picture-field.tsx'
import { tell } from '../ui/problems.ts'
import { CollectCard } from './card.tsx'
import classes from './form.module.css'
import { type Collect, type Occasion, occasions } from './queries.ts'

export type Values = {
  title: string
  occasion: Occasion
  description: string
  target_amount: string
  max_amount: string
  /** A day, to its end where the person is. */
  ends_at: string
  /** A new picture, the address of the one that is there, or none. */
  cover: File | string | null
}

/** What the server takes; the cover travels beside it. */
export function bodyOf({ cover: _, ...values }: Values) {
  return {
    ...values,
    target_amount: plainAmount(values.target_amount) || null,
    max_amount: plainAmount(values.max_amount) || null,
    ends_at: values.ends_at && new Date(`${values.ends_at}T23:59:59`).toISOString(),
  }
}

/** The day of an instant where the person is, as a date field takes it. */
export function localDay(instant: Date): string {
  return new Date(instant.getTime() - instant.getTimezoneOffset() * 60_000).toISOString().slice(0, 10)
}

type Props = {
  initial: Values
  action: string
  busy: boolean
  seed: number
  shown?: Pick<Collect, 'collected_amount' | 'donors_count' | 'author'>
  onSend: (values: Values) => Promise<unknown>
  onChange?: (values: Values) => void
}

/** The form of a collect, beside the card that neighbours will see. */
export function CollectForm({ initial, action, busy, seed, shown, onSend, onChange }: Props) {
  const { t } = useTranslation()
  const { data: profile } = useProfile()
  const { currencySign } = useFormat()
  const form = useForm({ initialValues: initial, onValuesChange: onChange })
  const { title, occasion, target_amount, ends_at, cover } = form.values
  const preview = usePreview(cover)
  const target = plainAmount(target_amount)
  const send = (values: Values) => onSend(values).catch((error) => tell(error, form))

  return (
    <form noValidate className={classes.frame} onSubmit={form.onSubmit((values) => void send(values))}>
      <Paper withBorder p={{ base: 'md', sm: 'xl' }}>
        <Stack gap="lg">
          <TextInput
            label={t('collects.form.title')}
            placeholder={t('collects.form.title_hint')}
            maxLength={200}
            {...form.getInputProps('title')}
          />
          <fieldset className={classes.occasions}>
            <legend>{t('collects.form.occasion')}</legend>
            {occasions.map((value) => (
              <label key={value} className={classes.occasion}>
                <input
                  type="radio"
                  name="occasion"
                  value={value}
                  checked={occasion === value}
                  onChange={() => form.setFieldValue('occasion', value)}
                />
                <span>{t(`collects.occasion.${value}`)}</span>
              </label>
            ))}
          </fieldset>
          <Textarea
            label={t('collects.form.description')}
            placeholder={t('collects.form.description_hint')}
            autosize
            minRows={4}
            maxRows={14}
            maxLength={10_000}
            {...form.getInputProps('description')}
          />
          <div className={classes.pair}>
            <TextInput
              label={t('collects.form.target', { sign: currencySign() })}
              description={t('collects.form.target_hint')}
              inputMode="decimal"
              autoComplete="off"
              inputWrapperOrder={['label', 'input', 'error', 'description']}
              {...form.getInputProps('target_amount')}
            />
            <TextInput
              label={t('collects.form.most', { sign: currencySign() })}
              description={t('collects.form.most_hint')}
              inputMode="decimal"
              autoComplete="off"
              inputWrapperOrder={['label', 'input', 'error', 'description']}
              {...form.getInputProps('max_amount')}
            />
            <TextInput
              label={t('collects.form.ends')}
              type="date"
              min={localDay(new Date())}
              {...form.getInputProps('ends_at')}
            />
          </div>
          <PictureField
            label={t('collects.form.cover')}
            preview={preview}
            error={form.errors.cover}
            onChange={(file) => {
              form.clearFieldError('cover')
              form.setFieldValue('cover', file)
            }}
          />
          <Button type="submit" size="lg" loading={busy} className={classes.send}>
            {action}
          </Button>
        </Stack>
      </Paper>
      <aside className={classes.aside}>
        <Stack gap="sm">
          <Title order={2} size="h3">
            {t('collects.form.preview')}
          </Title>
          <CollectCard
            level={3}
            seed={seed}
            collect={{
              title: title || t('collects.form.untitled'),
              occasion,
              cover: preview,
              target_amount: Number(target) > 0 ? target : null,
              collected_amount: shown?.collected_amount ?? '0',
              donors_count: shown?.donors_count ?? 0,
              ends_at: ends_at ? new Date(`${ends_at}T23:59:59`).toISOString() : new Date().toISOString(),
              status: 'active',
              author: shown?.author ?? { id: 0, full_name: profile?.full_name || profile?.username || '' },
            }}
          />
          {!preview && (
            <Text size="sm" c="dimmed">
              {t('collects.form.cover_text')}
            </Text>
          )}
        </Stack>
      </aside>
    </form>
  )
}
