import { Button, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconFileText, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useParams } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { Problem } from '../api.ts'
import { useFormat } from '../format.ts'
import { TabTitle } from '../ui/page.tsx'
import { Failure, NotFound } from '../ui/states.tsx'
import { useCart } from './cart.ts'
import classes from './order.module.css'
import { OrderActions } from './order-actions.tsx'
import { StatusChip, StatusLine } from './order-parts.tsx'
import { Back } from './product.tsx'
import { type Order, shopQueries } from './queries.ts'
import { totalOf } from './sums.ts'

/** While a job works on an order, its page asks this often; otherwise now and then. */
const soonMs = 2_000
const refreshMs = 20_000

const isUnderWay = (order: Order | undefined) => order && (order.document === null || order.shipping === 'waiting')

export function OrderPage() {
  const { t } = useTranslation()
  const { date } = useFormat()
  const { data: profile } = useProfile()
  const id = Number(useParams().id)
  const detail = useQuery({
    ...shopQueries.order(id),
    refetchInterval: ({ state }) => (isUnderWay(state.data) ? soonMs : refreshMs),
  })
  if (detail.error instanceof Problem && detail.error.status === 404) return <NotFound />
  if (detail.isError && !detail.data) return <Failure order={1} error={detail.error} retry={detail.refetch} />
  const order = detail.data
  if (!order) return <Skeleton height={560} radius="lg" />
  const isMine = order.user === profile?.id

  return (
    <article className={classes.page}>
      <TabTitle title={t('shop.orders.number', { number: id })} />
      <Stack gap={4} className={classes.wide}>
        <Back to={isMine ? '/orders' : '/admin/orders'}>{t(isMine ? 'shop.order.back' : 'shop.order.back_all')}</Back>
        <div className={classes.head}>
          <Title order={1}>{t('shop.orders.number', { number: id })}</Title>
          <StatusChip status={order.status} />
        </div>
        <Text c="dimmed">
          {t('shop.order.of', { date: date(order.created_at) })}
          {!isMine && ` · ${t('shop.order.buyer', { name: order.full_name })}`}
        </Text>
      </Stack>
      <div className={classes.main}>
        <StatusLine status={order.status} />
        <Lines order={order} />
      </div>
      <aside>
        <Paper withBorder p={{ base: 'md', sm: 'lg' }} className={classes.side}>
          <Stack gap="md">
            {order.document ? (
              // The browser opens it itself, by the cookie that reads.
              <Button
                component="a"
                href={order.document}
                target="_blank"
                rel="noreferrer"
                variant="default"
                leftSection={<IconFileText size={20} />}
              >
                {t('shop.order.document')}
              </Button>
            ) : (
              <Text c="dimmed" role="status">
                {t('shop.order.document_waiting')}
              </Text>
            )}
            <Delivery order={order} />
            {isMine && <OrderAgain order={order} />}
            <OrderActions order={order} isMine={isMine} role={profile?.role} />
          </Stack>
        </Paper>
      </aside>
      <History order={order} />
    </article>
  )
}

/** Where it goes and what its buyer asked for. */
function Delivery({ order: { address, phone, comment } }: { order: Order }) {
  const { t } = useTranslation()
  const rows = [
    [t('shop.cart.address'), address],
    [t('shop.cart.phone'), phone && `+${phone}`],
    [t('shop.cart.comment'), comment],
  ].filter(([, value]) => value)
  if (!rows.length) return null
  return (
    <dl className={classes.delivery}>
      {rows.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Puts the goods of an order into the cart again; what is no longer sold the cart says. */
function OrderAgain({ order }: { order: Order }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const cart = useCart()
  return (
    <Button
      variant="light"
      leftSection={<IconRefresh size={20} />}
      onClick={() => {
        for (const { product, quantity } of order.items) cart.put(product, quantity)
        void navigate('/shop/cart')
      }}
    >
      {t('shop.order.again')}
    </Button>
  )
}

function Lines({ order }: { order: Order }) {
  const { t } = useTranslation()
  const { money, number } = useFormat()
  return (
    <Stack gap="sm" component="section">
      <Title order={2}>{t('shop.order.lines')}</Title>
      <Paper withBorder>
        <ul className={classes.list}>
          {order.items.map(({ product, name, quantity, price_at_purchase: price }) => (
            <li key={product} className={classes.orderLine}>
              <div className={classes.rowWords}>
                <Link to={`/shop/${product}`} className={classes.open}>
                  {name}
                </Link>
                <Text size="sm" c="dimmed">
                  {t('shop.order.each', { price: money(price), quantity: number(quantity) })}
                </Text>
              </div>
              <span className={classes.rowSum}>{money(totalOf([{ price, quantity }]))}</span>
            </li>
          ))}
        </ul>
        <div className={classes.total}>
          <Text fw={550}>{t('shop.total')}</Text>
          <span className={classes.totalSum} data-testid="total">
            {money(order.total_price)}
          </span>
        </div>
      </Paper>
    </Stack>
  )
}

const bad = ['cancelled', 'shipping_failed']

function History({ order }: { order: Order }) {
  const { t } = useTranslation()
  const { moment } = useFormat()
  // Whatever happens to an order changes one of these.
  const { status, shipping, document } = order
  const history = useQuery({
    ...shopQueries.history(order.id, [status, shipping, document].join(' ')),
    refetchInterval: isUnderWay(order) ? soonMs : false,
  })
  return (
    <Stack gap="md" component="section">
      <Group>
        <Title order={2}>{t('shop.order.history')}</Title>
      </Group>
      {history.isPending && <Skeleton height={160} />}
      {history.isError && !history.data && <Failure error={history.error} retry={history.refetch} />}
      {history.data && (
        <ol className={classes.history}>
          {history.data.results.map((event) => (
            <li
              key={`${event.at} ${event.event}`}
              className={classes.event}
              data-bad={bad.includes(event.event) || undefined}
            >
              <Text>{event.detail}</Text>
              <Text size="sm" c="dimmed">
                {moment(event.at)}
                {event.full_name && ` · ${event.full_name}`}
              </Text>
            </li>
          ))}
        </ol>
      )}
    </Stack>
  )
}
