import { Button, Center, Paper, Skeleton, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link, useOutletContext } from 'react-router'
import desk from '../ui/desk.module.css'
import { Empty, Failure } from '../ui/states.tsx'
import type { FlatContext } from './flat.tsx'
import { useHousingFormat } from './format.ts'
import classes from './housing.module.css'
import { billQueries } from './queries.ts'

export function FlatAccount() {
  const { flat } = useOutletContext<FlatContext>()
  return <Statement flat={flat.id} />
}

/** What a flat was charged and what was paid, with the balance after each. */
export function Statement({ flat }: { flat: number }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const statement = useInfiniteQuery(billQueries.statement(flat))
  const rows = statement.data?.pages.flatMap((page) => page.results)
  if (statement.isPending) return <Skeleton height={320} radius="lg" />
  if (!rows) return <Failure error={statement.error} retry={statement.refetch} />
  const balance = statement.data?.pages[0]?.balance ?? '0.00'
  const isAhead = balance.startsWith('-')
  return (
    <Stack gap="lg">
      <Paper withBorder p="lg" className={classes.balance} data-owes={Number(balance) > 0 || undefined}>
        <Text>{t(isAhead ? 'housing.account.ahead' : 'housing.account.owed')}</Text>
        <span className={classes.sum} data-testid="balance">
          {format.money(balance.replace('-', ''))}
        </span>
      </Paper>
      {rows.length === 0 && <Empty title={t('housing.account.none')}>{t('housing.account.none_text')}</Empty>}
      {rows.length > 0 && (
        <Paper withBorder component="ul" className={desk.list} aria-label={t('housing.account.title')}>
          {rows.map((row) => (
            <li key={row.id} className={desk.row}>
              <div className={desk.grow}>
                {row.bill ? (
                  <Link to={`/bills/${row.bill}`} className={desk.whole}>
                    {row.detail}
                  </Link>
                ) : (
                  <Text fw={600}>{row.detail}</Text>
                )}
                <Text size="sm" c="dimmed">
                  {format.moment(row.at)}
                </Text>
              </div>
              <div className={classes.end}>
                <Text fw={650} c={row.kind === 'payment' ? 'var(--dvor-tint-text)' : undefined}>
                  {format.change(row.amount)}
                </Text>
                <Text size="sm" c="dimmed">
                  {t('housing.account.after', { balance: format.money(row.balance) })}
                </Text>
              </div>
            </li>
          ))}
        </Paper>
      )}
      {statement.hasNextPage && (
        <Center>
          <Button variant="default" loading={statement.isFetchingNextPage} onClick={() => statement.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
    </Stack>
  )
}
