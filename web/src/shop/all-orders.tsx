import { Button, Center, Checkbox, Group, Paper, Select, Skeleton, Text, TextInput } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { useFormat } from '../format.ts'
import { Page } from '../ui/page.tsx'
import { useQueryState } from '../ui/query-state.ts'
import { Empty, Failure } from '../ui/states.tsx'
import { Bulk } from './bulk.tsx'
import classes from './order.module.css'
import { StatusChip } from './order-parts.tsx'
import { useContents } from './orders.tsx'
import { type Order, type OrderFilter, shopQueries, statuses } from './queries.ts'
import staff from './staff.module.css'

/** The server moves no more at once. */
const maxSelected = 100

/** Midnight of a day where the person is, so many days later. */
function startOf(day: string, later = 0): string | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return undefined
  const date = new Date(`${day}T00:00:00`)
  date.setDate(date.getDate() + later)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

/** What the address narrows the orders to. */
function useOrderFilter(): OrderFilter {
  const { get, oneOf } = useQueryState()
  const user = Number(get('user'))
  return {
    status: oneOf('status', statuses),
    user: Number.isSafeInteger(user) && user > 0 ? user : undefined,
    created_from: startOf(get('from')),
    created_to: startOf(get('to'), 1),
  }
}

/** Everybody's orders, for the shop. */
export function AllOrders() {
  const { t } = useTranslation()
  const { get, set, clear } = useQueryState()
  const { data: profile } = useProfile()
  const [picked, setPicked] = useState<ReadonlySet<number>>(new Set())
  const filter = useOrderFilter()
  const orders = useInfiniteQuery(shopQueries.allOrders(filter))
  const rows = orders.data?.pages.flatMap((page) => page.results)
  const isStaff = profile?.role === 'admin' || profile?.role === 'storekeeper'
  const narrowed = Object.values(filter).some((value) => value !== undefined)
  // What a filter has hidden is not moved unseen.
  const selected = rows?.filter(({ id }) => picked.has(id)) ?? []
  const buyer = rows?.find(({ user }) => user === filter.user)?.full_name
  const pick = (id: number, isOn: boolean) => {
    const next = new Set(selected.map((order) => order.id))
    if (isOn) next.add(id)
    else next.delete(id)
    setPicked(next)
  }

  return (
    <Page title={t('shop.admin.orders_title')} lead={t('shop.admin.orders_lead')}>
      <search className={staff.filters}>
        <Select
          label={t('shop.orders.status')}
          value={filter.status ?? ''}
          onChange={(value) => set({ status: value ?? '' })}
          data={[
            { value: '', label: t('shop.orders.any_status') },
            ...statuses.map((value) => ({ value, label: t(`shop.status.${value}`) })),
          ]}
        />
        <TextInput
          type="date"
          label={t('shop.admin.from')}
          value={get('from')}
          onChange={(event) => set({ from: event.currentTarget.value })}
        />
        <TextInput
          type="date"
          label={t('shop.admin.to')}
          value={get('to')}
          onChange={(event) => set({ to: event.currentTarget.value })}
        />
      </search>
      {filter.user && (
        <Group>
          <Button variant="light" rightSection={<IconX size={18} aria-hidden />} onClick={() => set({ user: '' })}>
            {t('shop.admin.buyer', { name: buyer ?? t('shop.admin.buyer_number', { id: filter.user }) })}
          </Button>
        </Group>
      )}
      {isStaff && (
        <Bulk
          orders={selected}
          isAll={selected.length > 0 && selected.length === Math.min(rows?.length ?? 0, maxSelected)}
          canSelect={rows !== undefined && rows.length > 0}
          onAll={(isOn) => setPicked(new Set(isOn ? rows?.slice(0, maxSelected).map(({ id }) => id) : []))}
        />
      )}
      {orders.isPending && <Skeleton height={420} radius="lg" />}
      {orders.isError && !rows && <Failure error={orders.error} retry={orders.refetch} />}
      {rows?.length === 0 &&
        (narrowed ? (
          <Empty title={t('shop.orders.none')} action={<Button onClick={clear}>{t('shop.orders.reset')}</Button>}>
            {t('shop.orders.none_text')}
          </Empty>
        ) : (
          <Empty title={t('shop.orders.empty')}>{t('shop.admin.empty_text')}</Empty>
        ))}
      {rows && rows.length > 0 && (
        <Paper withBorder component="ul" className={classes.list}>
          {rows.map((order) => (
            <Row
              key={order.id}
              order={order}
              isPicked={picked.has(order.id)}
              onPick={isStaff ? (isOn) => pick(order.id, isOn) : undefined}
              mayPick={selected.length < maxSelected}
              onBuyer={filter.user ? undefined : () => set({ user: String(order.user) })}
            />
          ))}
        </Paper>
      )}
      {orders.hasNextPage && (
        <Center>
          <Button variant="default" loading={orders.isFetchingNextPage} onClick={() => orders.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
    </Page>
  )
}

type RowProps = {
  order: Order
  isPicked: boolean
  mayPick: boolean
  onPick: ((isOn: boolean) => void) | undefined
  onBuyer: (() => void) | undefined
}

function Row({ order, isPicked, mayPick, onPick, onBuyer }: RowProps) {
  const { t } = useTranslation()
  const { money, moment } = useFormat()
  const contents = useContents()
  return (
    <li className={classes.row}>
      {onPick && (
        // biome-ignore lint/a11y/noLabelWithoutControl: the checkbox names itself, the label gives it 44 px
        <label className={staff.check}>
          <Checkbox
            size="md"
            aria-label={t('shop.admin.select', { number: order.id })}
            checked={isPicked}
            disabled={!isPicked && !mayPick}
            onChange={(event) => onPick(event.currentTarget.checked)}
          />
        </label>
      )}
      <div className={classes.rowWords}>
        <Link to={`/orders/${order.id}`} className={`${classes.open} ${classes.whole}`}>
          {t('shop.orders.number', { number: order.id })}
        </Link>
        <Text size="sm">{contents(order)}</Text>
        <Text size="sm" c="dimmed" component="div">
          {onBuyer ? (
            <button
              type="button"
              className={staff.buyer}
              aria-label={t('shop.admin.only_buyer', { name: order.full_name })}
              onClick={onBuyer}
            >
              {order.full_name}
            </button>
          ) : (
            order.full_name
          )}{' '}
          · {moment(order.created_at)}
        </Text>
        {order.shipping === 'failed' && (
          <Text size="sm" fw={600} c="var(--mantine-color-error)">
            {t('shop.admin.shipping_failed')}
          </Text>
        )}
      </div>
      <div className={classes.rowEnd}>
        <StatusChip status={order.status} />
        <span className={classes.rowSum}>{money(order.total_price)}</span>
      </div>
    </li>
  )
}
