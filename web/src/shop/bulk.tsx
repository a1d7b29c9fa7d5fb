import { Alert, Button, Checkbox, Group, Paper, Select } from '@mantine/core'
import { IconAlertCircle, IconCircleCheck } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { Confirm } from '../ui/confirm.tsx'
import { tell } from '../ui/problems.ts'
import { type Order, type Step, stepsFrom } from './queries.ts'
import staff from './staff.module.css'

const steps = ['processing', 'shipped', 'delivered', 'cancelled'] as const satisfies Step[]

type Props = { orders: Order[]; isAll: boolean; canSelect: boolean; onAll: (isOn: boolean) => void }

/** Moves the selected orders at once, and tells what became of each. */
export function Bulk({ orders, isAll, canSelect, onAll }: Props) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [chosen, setChosen] = useState<Step>()
  const [asked, setAsked] = useState(false)
  // The next step of the first one is what is usually meant.
  const first = orders[0]
  const status = chosen ?? (first && stepsFrom[first.status][0]) ?? 'processing'
  const move = useMutation({
    mutationFn: () =>
      answer(api.POST('/api/admin/orders/status', { body: { orders: orders.map(({ id }) => id), status } })),
    onSuccess: () => {
      setAsked(false)
      setChosen(undefined)
      onAll(false)
      return queries.invalidateQueries({ queryKey: ['shop'] })
    },
    onError: (error) => {
      setAsked(false)
      tell(error)
    },
  })
  const results = move.data?.results

  return (
    <>
      {results && (
        <Alert
          role="status"
          color={results.some(({ error }) => error) ? 'red' : 'yard'}
          icon={results.some(({ error }) => error) ? <IconAlertCircle aria-hidden /> : <IconCircleCheck aria-hidden />}
          title={t('shop.admin.outcome', {
            moved: results.filter(({ error }) => !error).length,
            total: results.length,
          })}
          withCloseButton
          classNames={{ closeButton: staff.close }}
          closeButtonLabel={t('shop.admin.close')}
          onClose={move.reset}
        >
          <ul className={staff.outcome}>
            {results.map(({ order, status: now, error }) => (
              <li key={order}>
                {t('shop.orders.number', { number: order })}:{' '}
                {error ?? (now ? t(`shop.status.${now}`).toLowerCase() : t('shop.admin.missing'))}
              </li>
            ))}
          </ul>
        </Alert>
      )}
      {canSelect && (
        <Paper withBorder className={staff.bulk} data-active={orders.length > 0 || undefined}>
          <Checkbox
            size="md"
            className={staff.all}
            checked={isAll}
            indeterminate={!isAll && orders.length > 0}
            label={orders.length ? t('shop.admin.selected', { count: orders.length }) : t('shop.admin.select_all')}
            onChange={() => onAll(!isAll)}
          />
          {orders.length > 0 && (
            <Group gap="xs" wrap="nowrap" className={staff.bulkEnd}>
              <Select
                aria-label={t('shop.admin.new_status')}
                value={status}
                onChange={(value) => setChosen(steps.find((step) => step === value))}
                data={steps.map((value) => ({ value, label: t(`shop.status.${value}`) }))}
              />
              <Button loading={move.isPending} onClick={() => setAsked(true)}>
                {t('shop.admin.move')}
              </Button>
            </Group>
          )}
        </Paper>
      )}
      <Confirm
        opened={asked}
        title={t(status === 'cancelled' ? 'shop.admin.cancel_title' : 'shop.admin.move_title')}
        action={t(status === 'cancelled' ? 'shop.admin.cancel' : 'shop.admin.move')}
        color={status === 'cancelled' ? 'red' : 'yard'}
        busy={move.isPending}
        onConfirm={() => move.mutate()}
        onClose={() => setAsked(false)}
      >
        {status === 'cancelled'
          ? t('shop.admin.cancel_text')
          : t('shop.admin.move_text', { count: orders.length, status: t(`shop.status.${status}`).toLowerCase() })}
      </Confirm>
    </>
  )
}
