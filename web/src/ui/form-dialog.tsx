import { Button, Group, Modal, Select, Stack, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { tell } from './problems.ts'
import { type Option, SearchSelect } from './search-select.tsx'

export type Field<V> = {
  name: keyof V & string
  label: string
  hint?: string | undefined
  type?: 'text' | 'date' | 'month' | 'decimal' | 'digits' | 'phone' | 'long'
  options?: Option[]
  /** Where there are more options than a list can hold. */
  search?: (text: string) => Promise<Option[]>
}

type Props<V> = {
  title: string
  action: string
  fields: Field<V>[]
  initial: V
  /** What else can be done, beside the buttons. */
  aside?: ReactNode
  onSend: (values: V) => Promise<unknown>
  onClose: () => void
}

/** A few fields in a dialog. What the server refuses stands at its field; once it is done, the dialog closes. */
export function FormDialog<V extends Record<string, string>>(props: Props<V>) {
  const { title, action, fields, initial, aside, onSend, onClose } = props
  const { t } = useTranslation()
  const [isBusy, setBusy] = useState(false)
  const form = useForm<Record<string, string>>({ initialValues: initial })
  const send = async (values: Record<string, string>) => {
    setBusy(true)
    try {
      await onSend(values as V)
      onClose()
    } catch (error) {
      tell(error, form)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': t('shell.close') }}>
      <form noValidate onSubmit={form.onSubmit((values) => void send(values))}>
        <Stack>
          {fields.map(({ name, label, hint, type = 'text', options, search }, i) => {
            const common = {
              label,
              description: hint,
              inputWrapperOrder: ['label', 'input', 'error', 'description'] as ('label' | 'input' | 'error')[],
              'data-autofocus': i === 0 || undefined,
              ...form.getInputProps(name),
            }
            if (search)
              return <SearchSelect key={name} options={options ?? []} search={search} searchKey={name} {...common} />
            if (options)
              return (
                <Select
                  key={name}
                  data={options}
                  searchable={options.length > 20}
                  maxDropdownHeight={280}
                  {...common}
                />
              )
            if (type === 'long') return <Textarea key={name} autosize minRows={2} maxLength={500} {...common} />
            if (type === 'date' || type === 'month') return <TextInput key={name} type={type} {...common} />
            const inputMode = ({ decimal: 'decimal', digits: 'numeric', phone: 'tel', text: undefined } as const)[type]
            return <TextInput key={name} autoComplete="off" {...(inputMode && { inputMode })} {...common} />
          })}
          <Group justify="flex-end">
            {aside && <div style={{ marginRight: 'auto' }}>{aside}</div>}
            <Button variant="default" onClick={onClose}>
              {t('shell.confirm.cancel')}
            </Button>
            <Button type="submit" loading={isBusy}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
