import { Alert, Button, Paper, Skeleton, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconAlertCircle } from '@tabler/icons-react'
import { useMutation, useQueries, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { answer, api, Problem } from '../api.ts'
import { useFormat } from '../format.ts'
import { useDraft } from '../ui/draft.ts'
import { Page } from '../ui/page.tsx'
import { done, tell } from '../ui/problems.ts'
import { Empty, Failure } from '../ui/states.tsx'
import { type Line, useCart } from './cart.ts'
import { CartLine } from './cart-line.tsx'
import { shopQueries } from './queries.ts'
import classes from './shop.module.css'
import { totalOf } from './sums.ts'

/** What the server said: by product, and of the order as a whole. */
type Faults = { at: Record<number, string>; whole: string }
const noFaults: Faults = { at: {}, whole: '' }

/** Faults of lines by their products; undefined when some belong nowhere here. */
function faultsOf(error: unknown, lines: Line[]): Faults | undefined {
  if (!(error instanceof Problem) || !error.faults.length) return undefined
  const faults: Faults = { at: {}, whole: '' }
  for (const { path, message } of error.faults) {
    const line = lines[Number(/^\/items\/(\d+)/.exec(path)?.[1] ?? -1)]
    if (line) faults.at[line.product] = message
    else if (path === '/items') faults.whole = message
    else return undefined
  }
  return faults
}

const noDelivery = { address: '', phone: '', comment: '' }

/** Where the last order went: the next one goes there too, unless its buyer says otherwise. */
function readDelivery(text: string | null): Partial<typeof noDelivery> {
  try {
    const { address, phone } = JSON.parse(text ?? '{}') as Partial<typeof noDelivery>
    return { address: String(address ?? ''), phone: String(phone ?? '') }
  } catch {
    return {}
  }
}

export function CartPage() {
  const { t } = useTranslation()
  const { money } = useFormat()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const cart = useCart()
  const [faults, setFaults] = useState(noFaults)
  const { data: profile } = useProfile()
  const draft = useDraft('delivery')
  const delivery = useForm({
    initialValues: { ...noDelivery, ...readDelivery(draft.text) },
    onValuesChange: ({ comment: _, ...values }) => draft.set(JSON.stringify(values)),
  })
  const found = useQueries({ queries: cart.lines.map(({ product }) => shopQueries.product(product)) })
  const away = found.find(({ error }) => error && !(error instanceof Problem && error.status === 404))
  const rows = cart.lines.map((line, i) => ({ ...line, item: found[i]?.data, isGone: found[i]?.isError === true }))
  const isWaiting = found.some(({ isPending }) => isPending)
  const total = totalOf(rows.flatMap(({ item, quantity }) => (item ? [{ price: item.price, quantity }] : [])))

  const order = useMutation({
    mutationFn: ({ lines, key }: { lines: Line[]; key: string }) => {
      const body = { items: lines, ...delivery.values, expected_total: total }
      return answer(api.POST('/api/orders', { body, headers: { 'Idempotency-Key': key } }))
    },
    onSuccess: async (made, { key }) => {
      await queries.invalidateQueries({ queryKey: ['shop'], refetchType: 'none' })
      await navigate(`/orders/${made.id}`)
      cart.finish(key)
      done(t('shop.cart.ordered', { number: made.id }))
    },
    onError: (error, { lines }) => {
      const at = faultsOf(error, lines)
      if (at) setFaults(at)
      // The cart shows the prices of now at once: nothing is ordered at a sum that nobody saw.
      else if (error instanceof Problem && error.code === 'shop.total_changed')
        setFaults({ at: {}, whole: t('shop.cart.total_changed', { total: money(error.values.total_price ?? total) }) })
      else if (error instanceof Problem && error.code === 'request.key_reused')
        setFaults({ at: {}, whole: t('shop.cart.perhaps_ordered') })
      else if (error instanceof Problem && error.faults.length) tell(error, delivery)
      else tell(error)
      return queries.invalidateQueries({ queryKey: ['shop', 'product'] })
    },
  })
  const change = (product: number, quantity: number) => {
    setFaults((said) => ({ at: { ...said.at, [product]: '' }, whole: '' }))
    cart.put(product, quantity)
  }

  const toShop = (
    <Button component={Link} to="/shop">
      {t('shop.cart.to_shop')}
    </Button>
  )
  if (!cart.lines.length)
    return (
      <Page title={t('shop.cart.title')}>
        <Empty title={t('shop.cart.empty')} action={toShop}>
          {t('shop.cart.empty_text')}
        </Empty>
      </Page>
    )
  return (
    <Page title={t('shop.cart.title')} lead={t('shop.cart.lead', { count: cart.lines.length })}>
      {away && <Failure error={away.error} retry={() => queries.refetchQueries({ queryKey: ['shop', 'product'] })} />}
      {!away && isWaiting && <Skeleton height={320} radius="lg" />}
      {!away && !isWaiting && (
        <div className={classes.cart}>
          <Paper withBorder component="ul" className={classes.lines}>
            {rows.map(({ product, quantity, item, isGone }) => (
              <CartLine
                key={product}
                id={product}
                product={isGone ? undefined : item}
                quantity={quantity}
                fault={faults.at[product]}
                onChange={(count) => change(product, count)}
              />
            ))}
          </Paper>
          <aside>
            <Paper withBorder p={{ base: 'md', sm: 'lg' }} className={classes.sum}>
              <Stack gap="md">
                <Textarea
                  label={t('shop.cart.address')}
                  description={t('shop.cart.address_hint')}
                  autosize
                  minRows={1}
                  maxRows={4}
                  maxLength={500}
                  autoComplete="street-address"
                  {...delivery.getInputProps('address')}
                />
                <TextInput
                  label={t('shop.cart.phone')}
                  placeholder={profile?.phone ? `+${profile.phone}` : '+7 900 000-00-00'}
                  type="tel"
                  autoComplete="tel"
                  {...delivery.getInputProps('phone')}
                />
                <Textarea
                  label={t('shop.cart.comment')}
                  autosize
                  minRows={1}
                  maxRows={4}
                  maxLength={1000}
                  {...delivery.getInputProps('comment')}
                />
                <div className={classes.totalLine}>
                  <Text fw={550}>{t('shop.total')}</Text>
                  <span className={classes.bigPrice} data-testid="total">
                    {money(total)}
                  </span>
                </div>
                {faults.whole && (
                  <Alert color="red" role="alert" icon={<IconAlertCircle aria-hidden />}>
                    {faults.whole}
                  </Alert>
                )}
                <Button
                  size="lg"
                  loading={order.isPending}
                  onClick={() => {
                    setFaults(noFaults)
                    order.mutate({ lines: cart.lines, key: cart.key })
                  }}
                >
                  {t('shop.cart.order')}
                </Button>
                <Text size="sm" c="dimmed">
                  {t(profile?.email ? 'shop.cart.order_text' : 'shop.cart.order_text_plain')}
                </Text>
              </Stack>
            </Paper>
          </aside>
        </div>
      )}
    </Page>
  )
}
