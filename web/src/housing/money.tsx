import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { plainAmount } from '../format.ts'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useOnce } from '../ui/once.ts'
import { done } from '../ui/problems.ts'
import { useHousingFormat } from './format.ts'

type Props = { flat: number; number: string; onClose: () => void }

const today = () => {
  const now = new Date()
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10)
}

/** Money that came in for a flat. */
export function PaymentDialog({ flat, number, debt, onClose }: Props & { debt: string }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const { currencySign } = format
  const queries = useQueryClient()
  const once = useOnce()
  return (
    <FormDialog
      title={t('housing.money.receive_from', { number })}
      action={t('housing.money.receive')}
      initial={{ amount: Number(debt) > 0 ? debt.replace('.', ',') : '', paid_on: today(), reference: '' }}
      fields={[
        { name: 'amount', label: t('housing.money.amount', { sign: currencySign() }), type: 'decimal' },
        { name: 'paid_on', label: t('housing.money.paid_on'), type: 'date' },
        { name: 'reference', label: t('housing.money.reference'), hint: t('housing.money.reference_hint') },
      ]}
      onClose={onClose}
      onSend={async (values) => {
        const body = { ...values, amount: plainAmount(values.amount) }
        const payment = await answer(
          api.POST('/api/apartments/{id}/payments', {
            params: { path: { id: flat } },
            headers: once.keyFor({ flat, ...body }),
            body,
          }),
        )
        once.finish()
        done(t('housing.money.received', { number, balance: format.money(payment.balance) }))
        await queries.invalidateQueries({ queryKey: ['housing'] })
      }}
    />
  )
}

/** A recalculation: a line of its own in the next bill. */
export function RecalculationDialog({ flat, number, onClose }: Props) {
  const { t } = useTranslation()
  const { currencySign } = useHousingFormat()
  const queries = useQueryClient()
  const once = useOnce()
  return (
    <FormDialog
      title={t('housing.money.recalculate_for', { number })}
      action={t('housing.money.recalculate')}
      initial={{ amount: '', reason: '' }}
      fields={[
        {
          name: 'amount',
          label: t('housing.money.signed', { sign: currencySign() }),
          hint: t('housing.money.signed_hint'),
        },
        { name: 'reason', label: t('housing.money.reason'), type: 'long', hint: t('housing.money.reason_hint') },
      ]}
      onClose={onClose}
      onSend={async (values) => {
        const body = { ...values, amount: plainAmount(values.amount).replace('−', '-') }
        await answer(
          api.POST('/api/apartments/{id}/recalculations', {
            params: { path: { id: flat } },
            headers: once.keyFor({ flat, ...body }),
            body,
          }),
        )
        once.finish()
        done(t('housing.money.recalculated'))
        await queries.invalidateQueries({ queryKey: ['housing', 'recalculations', flat] })
      }}
    />
  )
}
