import { useTranslation } from 'react-i18next'
import { useProfile } from '../accounts/queries.ts'
import { answer, api, Problem } from '../api.ts'
import { FormDialog } from '../ui/form-dialog.tsx'
import { kept } from '../ui/kept.ts'
import { useOnce } from '../ui/once.ts'
import { done } from '../ui/problems.ts'
import { phoneWords, plainPhone } from './format.ts'

const lastPhone = 'dvor-test-phone'

/** A mailing that is there, or a text that is none yet. */
type Tried = { id: number } | { text: string; audience?: string }

/** Sends one message to a phone of one's own, and tells what the gateway said. */
export function TestDialog({ tried, onClose }: { tried: Tried; onClose: () => void }) {
  const { t } = useTranslation()
  const { data: profile } = useProfile()
  const once = useOnce()
  return (
    <FormDialog
      title={t('mailings.test.title')}
      action={t('mailings.test.send')}
      initial={{ phone: phoneWords(kept.get(lastPhone) ?? profile?.phone ?? '') }}
      fields={[{ name: 'phone', label: t('mailings.phone'), hint: t('mailings.test.hint'), type: 'phone' }]}
      onClose={onClose}
      onSend={async ({ phone: typed }) => {
        const phone = plainPhone(typed)
        const headers = once.keyFor({ ...tried, phone })
        const sent = await answer(
          'id' in tried
            ? api.POST('/api/mailings/{id}/test', { params: { path: { id: tried.id } }, headers, body: { phone } })
            : api.POST('/api/mailings/test', { headers, body: { ...tried, phone } }),
        )
        kept.set(lastPhone, phone)
        once.finish()
        if (sent.status === 'error') throw new Problem(409, { detail: sent.last_error ?? '' })
        done(t('mailings.test.sent', { phone: phoneWords(phone) }))
      }}
    />
  )
}
