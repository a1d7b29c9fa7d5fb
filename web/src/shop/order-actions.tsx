import { Button, Stack, Text } from '@mantine/core'
import { IconTruckDelivery } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { useFormat } from '../format.ts'
import type { Role } from '../module.ts'
import { Confirm } from '../ui/confirm.tsx'
import { done, tell } from '../ui/problems.ts'
import { type Order, type Step, shopQueries, stepsFrom } from './queries.ts'

type Props = { order: Order; isMine: boolean; role: Role | undefined }

/** What its buyer and the shop may do with an order. */
export function OrderActions({ order, isMine, role }: Props) {
  const { t } = useTranslation()
  const { money } = useFormat()
  const queries = useQueryClient()
  const [asked, setAsked] = useState(false)
  const path = { id: order.id }
  const isStaff = role === 'admin' || role === 'storekeeper'
  const isReader = isStaff || role === 'auditor'
  const steps = stepsFrom[order.status]
  const step = steps.find((next) => next !== 'cancelled')
  const mayCancel = (isMine || isStaff) && steps.includes('cancelled')

  const show = (changed: Order) => {
    queries.setQueryData(shopQueries.order(order.id).queryKey, changed)
    return queries.invalidateQueries({ queryKey: ['shop'] })
  }
  const onError = (error: unknown) => {
    setAsked(false)
    tell(error)
    return queries.invalidateQueries({ queryKey: shopQueries.order(order.id).queryKey })
  }
  const move = useMutation({
    mutationFn: (status: Step) => answer(api.PATCH('/api/orders/{id}', { params: { path }, body: { status } })),
    onSuccess: (changed) => {
      setAsked(false)
      const status = t(`shop.status.${changed.status}`).toLowerCase()
      done(
        changed.status === 'cancelled'
          ? t('shop.order.cancelled')
          : t('shop.order.moved', { number: order.id, status }),
      )
      return show(changed)
    },
    onError,
  })
  const resend = useMutation({
    mutationFn: () => answer(api.POST('/api/admin/orders/{id}/resend-shipping', { params: { path } })),
    onSuccess: (changed) => {
      done(t('shop.order.resent'))
      return show(changed)
    },
    onError,
  })

  return (
    <>
      {isStaff && step && (
        <Button size="lg" loading={move.isPending && move.variables === step} onClick={() => move.mutate(step)}>
          {t(`shop.order.step.${step}`)}
        </Button>
      )}
      {isReader && order.shipping && (
        <Stack gap="xs">
          <Text fw={550}>{t('shop.order.shipping')}</Text>
          <Text size="sm" c={order.shipping === 'failed' ? 'var(--mantine-color-error)' : 'dimmed'}>
            {t(`shop.order.shipping_state.${order.shipping}`)}
          </Text>
          {isStaff && order.status === 'shipped' && order.shipping === 'failed' && (
            <Button
              variant="light"
              leftSection={<IconTruckDelivery size={20} />}
              loading={resend.isPending}
              onClick={() => resend.mutate()}
            >
              {t('shop.order.resend')}
            </Button>
          )}
        </Stack>
      )}
      {mayCancel && (
        <Button variant="subtle" color="red" onClick={() => setAsked(true)}>
          {t('shop.order.cancel')}
        </Button>
      )}
      <Confirm
        opened={asked}
        title={t('shop.order.cancel_title', { number: order.id })}
        action={t('shop.order.cancel')}
        busy={move.isPending}
        onConfirm={() => move.mutate('cancelled')}
        onClose={() => setAsked(false)}
      >
        {t('shop.order.cancel_text', { total: money(order.total_price) })}
      </Confirm>
    </>
  )
}
