import { ActionIcon, Anchor, Badge, Button, Center, Group, Paper, Select, Skeleton, Text } from '@mantine/core'
import { IconArrowBackUp } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { useFormat } from '../format.ts'
import { Page } from '../ui/page.tsx'
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
      <Refund payment={asked} onClose={() => setAsked(undefined)} />
    </Page>
  )
}

type RowProps = { payment: Payment; isMine: boolean; onRefund?: () => void }

function PaymentRow({ payment, isMine, onRefund }: RowProps) {
  const { t } = useTranslation()
  const { money, moment } = useFormat()
  const collect = useQuery({ ...collectQueries.detail(payment.collect), staleTime: 60_000 })
  const who = isMine ? t('collects.payments.you') : (payment.full_name ?? t('collects.payments.anonymous'))
  return (
    <li className={classes.row}>
      <div className={classes.words}>
        <Anchor component={Link} to={`/collects/${payment.collect}`} fw={550} c="inherit" className={classes.title}>
          {collect.data?.title ?? t('collects.payments.collect', { id: payment.collect })}
        </Anchor>
        <Text size="sm" c="dimmed">
          {who} · {moment(payment.created_at)}
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
