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

/** The bills of a flat by month, the newest first. */
export function FlatBills() {
  const { flat } = useOutletContext<FlatContext>()
  return <BillList flat={flat.id} />
}

export function BillList({ flat }: { flat: number }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const bills = useInfiniteQuery(billQueries.ofFlat(flat))
  const rows = bills.data?.pages.flatMap((page) => page.results)
  return (
    <Stack gap="md">
      {bills.isPending && <Skeleton height={300} radius="lg" />}
      {bills.isError && !rows && <Failure error={bills.error} retry={bills.refetch} />}
      {rows?.length === 0 && <Empty title={t('housing.bills.none')}>{t('housing.bills.none_text')}</Empty>}
      {rows && rows.length > 0 && (
        <Paper withBorder component="ul" className={desk.list}>
          {rows.map((bill) => (
            <li key={bill.id} className={desk.row}>
              <div className={desk.grow}>
                <Link to={`/bills/${bill.id}`} className={desk.whole}>
                  {format.month(bill.month)}
                </Link>
                <Text size="sm" c="dimmed">
                  {t('housing.bills.charged', { sum: format.money(bill.total) })}
                  {bill.status === 'incomplete' && ` · ${t('housing.bills.incomplete')}`}
                </Text>
              </div>
              <div className={classes.end}>
                <Text fw={650}>{format.money(bill.to_pay)}</Text>
                <Text size="sm" c="dimmed">
                  {t('housing.bills.to_pay').toLowerCase()}
                </Text>
              </div>
            </li>
          ))}
        </Paper>
      )}
      {bills.hasNextPage && (
        <Center>
          <Button variant="default" loading={bills.isFetchingNextPage} onClick={() => bills.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
    </Stack>
  )
}
