import { Button, Center, Paper, Select, Skeleton, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useFormat } from '../format.ts'
import { Page } from '../ui/page.tsx'
import { useQueryState } from '../ui/query-state.ts'
import { Empty, Failure } from '../ui/states.tsx'
import classes from './order.module.css'
import { StatusChip } from './order-parts.tsx'
import { type Order, shopQueries, statuses } from './queries.ts'

/** The first things of an order, and how many more there are. */
export function useContents() {
  const { t } = useTranslation()
  return ({ items }: Order) => {
    const names = items
      .slice(0, 2)
      .map(({ name }) => name)
      .join(', ')
    return items.length > 2 ? `${names} ${t('shop.orders.more_lines', { count: items.length - 2 })}` : names
  }
}

export function MyOrders() {
  const { t } = useTranslation()
  const { money, moment } = useFormat()
  const { oneOf, set, clear } = useQueryState()
  const contents = useContents()
  const status = oneOf('status', statuses)
  const orders = useInfiniteQuery(shopQueries.orders({ status }))
  const rows = orders.data?.pages.flatMap((page) => page.results)

  return (
    <Page
      title={t('shop.orders.title')}
      lead={t('shop.orders.lead')}
      width={860}
      actions={
        <Select
          aria-label={t('shop.orders.status')}
          value={status ?? ''}
          onChange={(value) => set({ status: value ?? '' })}
          data={[
            { value: '', label: t('shop.orders.any_status') },
            ...statuses.map((value) => ({ value, label: t(`shop.status.${value}`) })),
          ]}
        />
      }
    >
      {orders.isPending && <Skeleton height={420} radius="lg" />}
      {orders.isError && !rows && <Failure error={orders.error} retry={orders.refetch} />}
      {rows?.length === 0 &&
        (status ? (
          <Empty title={t('shop.orders.none')} action={<Button onClick={clear}>{t('shop.orders.reset')}</Button>}>
            {t('shop.orders.none_text')}
          </Empty>
        ) : (
          <Empty
            title={t('shop.orders.empty')}
            action={
              <Button component={Link} to="/shop">
                {t('shop.cart.to_shop')}
              </Button>
            }
          >
            {t('shop.orders.empty_text')}
          </Empty>
        ))}
      {rows && rows.length > 0 && (
        <Paper withBorder component="ul" className={classes.list}>
          {rows.map((order) => (
            <li key={order.id} className={classes.row}>
              <div className={classes.rowWords}>
                <Link to={`/orders/${order.id}`} className={`${classes.open} ${classes.whole}`}>
                  {t('shop.orders.number', { number: order.id })}
                </Link>
                <Text size="sm">{contents(order)}</Text>
                <Text size="sm" c="dimmed">
                  {moment(order.created_at)}
                </Text>
              </div>
              <div className={classes.rowEnd}>
                <StatusChip status={order.status} />
                <span className={classes.rowSum}>{money(order.total_price)}</span>
              </div>
            </li>
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
