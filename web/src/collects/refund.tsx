import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { useFormat } from '../format.ts'
import { Confirm } from '../ui/confirm.tsx'
import { done, tell } from '../ui/problems.ts'

type Payment = { id: number; amount: string; full_name: string | null }

/** Asks, naming the sum and the person, and gives a payment back. */
export function Refund({ payment, onClose }: { payment: Payment | undefined; onClose: () => void }) {
  const { t } = useTranslation()
  const { money } = useFormat()
  const queries = useQueryClient()
  const refund = useMutation({
    mutationFn: (id: number) => answer(api.POST('/api/payments/{id}/refund', { params: { path: { id } } })),
    onSuccess: () => {
      onClose()
      done(t('collects.author.refunded'))
      return queries.invalidateQueries({ queryKey: ['collects'] })
    },
    onError: (error) => tell(error),
  })
  const amount = payment && money(payment.amount)
  return (
    <Confirm
      opened={payment !== undefined}
      title={t('collects.author.refund_title')}
      action={t('collects.author.refund')}
      busy={refund.isPending}
      onConfirm={() => payment && refund.mutate(payment.id)}
      onClose={onClose}
    >
      {payment?.full_name
        ? t('collects.author.refund_text', { amount, name: payment.full_name })
        : t('collects.author.refund_text_anonymous', { amount })}
    </Confirm>
  )
}
