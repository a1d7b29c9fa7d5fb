import {
  ActionIcon,
  Anchor,
  Badge,
  Button,
  Center,
  Group,
  Paper,
  Select,
  Skeleton,
  Stack,
  Text,
  Title,
} from '@mantine/core'
import { IconArrowBackUp, IconFileText } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { useFormat } from '../format.ts'
import { Page } from '../ui/page.tsx'
import { Pager } from '../ui/pager.tsx'
import { useQueryState } from '../ui/query-state.ts'
import { Empty, Failure } from '../ui/states.tsx'
import classes from './payments.module.css'
import { collectQueries, type Payment, paymentStatuses } from './queries.ts'
import { Refund } from './refund.tsx'

const colours = { completed: 'yard', refunded: 'gray', pending: 'yellow', failed: 'red' } as const

/** One's own payments and those to one's collects; all of them for administrators. */
export function Payments() {
  const { t } = useTranslation()
  const { data: profile } = useProfile()
  const { oneOf, set } = useQueryState()
  const [asked, setAsked] = useState<Payment>()
  const status = oneOf('status', paymentStatuses)
  const payments = useInfiniteQuery(collectQueries.payments({ status }))
  const rows = payments.data?.pages.flatMap((page) => page.results)
  const seesAll = profile?.role === 'admin' || profile?.role === 'auditor'

  return (
    <Page
      title={t('collects.payments.title')}
      lead={t(seesAll ? 'collects.payments.lead_all' : 'collects.payments.lead')}
      width={860}
      actions={
        <Select
          aria-label={t('collects.payments.status')}
          value={status ?? ''}
          onChange={(value) => set({ status: value ?? '' })}
          data={[
            { value: '', label: t('collects.payments.any_status') },
            ...paymentStatuses.map((value) => ({ value, label: t(`collects.payments.state.${value}`) })),
          ]}
        />
      }
    >
      {payments.isPending && <Skeleton height={420} radius="lg" />}
      {payments.isError && !rows && <Failure error={payments.error} retry={payments.refetch} />}
      {rows?.length === 0 && (
        <Empty
          title={t('collects.payments.empty')}
          action={
            <Button component={Link} to="/collects">
              {t('collects.payments.to_collects')}
            </Button>
          }
        >
          {t('collects.payments.empty_text')}
        </Empty>
      )}
      {rows && rows.length > 0 && (
        <Paper withBorder component="ul" className={classes.list}>
          {rows.map((payment) => (
            <PaymentRow
              key={payment.id}
              payment={payment}
              isMine={payment.payer === profile?.id}
              onRefund={profile?.role === 'admin' ? () => setAsked(payment) : undefined}
            />
          ))}
        </Paper>
      )}
      {payments.hasNextPage && (
        <Center>
          <Button variant="default" loading={payments.isFetchingNextPage} onClick={() => payments.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
      <Totals />
      <Refund payment={asked} onClose={() => setAsked(undefined)} />
    </Page>
  )
}

/** What one gave to each collect. */
function Totals() {
  const { t } = useTranslation()
  const { money } = useFormat()
  const [page, setPage] = useState(1)
  const totals = useQuery(collectQueries.totals(page))
  if (!totals.data?.results.length) return null
  return (
    <Stack gap="sm" component="section">
      <Title order={2}>{t('collects.payments.totals')}</Title>
      <Paper withBorder component="ul" className={classes.list}>
        {totals.data.results.map(({ collect, title, amount }) => (
          <li key={collect} className={classes.row}>
            <Anchor component={Link} to={`/collects/${collect}`} c="inherit" className={classes.title}>
              {title}
            </Anchor>
            <span className={classes.sum}>{money(amount)}</span>
          </li>
        ))}
      </Paper>
      <Pager count={totals.data.count} size={10} page={page} onChange={setPage} />
    </Stack>
  )
}

type RowProps = { payment: Payment; isMine: boolean; onRefund?: () => void }

function PaymentRow({ payment, isMine, onRefund }: RowProps) {
  const { t } = useTranslation()
  const { money, moment } = useFormat()
  const who = isMine ? t('collects.payments.you') : (payment.full_name ?? t('collects.payments.anonymous'))
  return (
    <li className={classes.row}>
      <div className={classes.words}>
        <Anchor component={Link} to={`/collects/${payment.collect}`} fw={550} c="inherit" className={classes.title}>
          {payment.collect_title}
        </Anchor>
        <Text size="sm" c="dimmed">
          {isMine && payment.is_anonymous ? `${who}, ${t('collects.payments.mine_anonymous')}` : who} ·{' '}
          {moment(payment.created_at)}
        </Text>
        {payment.comment && <Text size="sm">{payment.comment}</Text>}
      </div>
      <Group gap="sm" wrap="nowrap" className={classes.end}>
        {payment.status !== 'completed' && (
          <Badge variant="light" color={colours[payment.status]}>
            {t(`collects.payments.state.${payment.status}`)}
          </Badge>
        )}
        <span className={classes.sum} data-back={payment.status === 'refunded' || undefined}>
          {money(payment.amount)}
        </span>
        {isMine && (
          <ActionIcon
            component="a"
            href={`/api/payments/${payment.id}/receipt`}
            target="_blank"
            rel="noreferrer"
            variant="subtle"
            color="gray"
            title={t('collects.payments.receipt')}
            aria-label={t('collects.payments.receipt_named', {
              title: payment.collect_title,
              amount: money(payment.amount),
            })}
          >
            <IconFileText size={20} />
          </ActionIcon>
        )}
        {onRefund && payment.status === 'completed' && (
          <ActionIcon
            variant="subtle"
            color="gray"
            title={t('collects.author.refund')}
            aria-label={`${t('collects.author.refund')}: ${who}, ${money(payment.amount)}`}
            onClick={onRefund}
          >
            <IconArrowBackUp size={20} />
          </ActionIcon>
        )}
      </Group>
    </li>
  )
}
