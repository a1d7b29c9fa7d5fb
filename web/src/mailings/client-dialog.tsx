import { Button } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { useOrganisation } from '../platform/queries.ts'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useOnce } from '../ui/once.ts'
import { plainPhone } from './format.ts'
import type { Client } from './queries.ts'

type Props = { client: Client | undefined; onRemove: (client: Client) => void; onClose: () => void }

/** A new client, or one to change or remove. */
export function ClientDialog({ client, onRemove, onClose }: Props) {
  const { t } = useTranslation()
  const { data: organisation } = useOrganisation()
  const queries = useQueryClient()
  const once = useOnce()
  const zone = client?.timezone ?? organisation?.timezone ?? 'Europe/Moscow'
  const zones = [...new Set([zone, ...Intl.supportedValuesOf('timeZone')])]
  return (
    <FormDialog
      title={t(client ? 'mailings.clients.edit' : 'mailings.clients.new')}
      action={t(client ? 'mailings.save' : 'mailings.add')}
      initial={{
        phone: client?.phone ?? '',
        tag: client?.tag ?? '',
        operator_code: client?.operator_code ?? '',
        timezone: zone,
      }}
      fields={[
        { name: 'phone', label: t('mailings.phone'), type: 'phone' },
        { name: 'tag', label: t('mailings.tag'), hint: t('mailings.clients.tag_hint') },
        {
          name: 'operator_code',
          label: t('mailings.operator_code'),
          hint: t('mailings.clients.code_hint'),
          type: 'digits',
        },
        { name: 'timezone', label: t('mailings.timezone'), options: zones.map((value) => ({ value, label: value })) },
      ]}
      aside={
        client && (
          <Button variant="subtle" color="red" onClick={() => onRemove(client)}>
            {t('mailings.clients.remove')}
          </Button>
        )
      }
      onClose={onClose}
      onSend={async ({ operator_code, phone, ...rest }) => {
        const code = operator_code.trim()
        const body = { ...rest, phone: plainPhone(phone), ...(code && { operator_code: code }) }
        await (client
          ? answer(api.PATCH('/api/clients/{id}', { params: { path: { id: client.id } }, body }))
          : answer(api.POST('/api/clients', { headers: once.keyFor(body), body })))
        await queries.invalidateQueries({ queryKey: ['mailings', 'clients'] })
      }}
    />
  )
}
