import { SegmentedControl, Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useOutletContext } from 'react-router'
import { useQueryState } from '../ui/query-state.ts'
import { Empty, Failure } from '../ui/states.tsx'
import type { FlatContext } from './flat.tsx'
import { useHousingFormat } from './format.ts'
import classes from './housing.module.css'
import { addMonths, monthIn } from './months.ts'
import { homeQueries } from './queries.ts'
import { ReadingCard } from './reading-card.tsx'

/** What the meters of a flat show, this month or the last. */
export function FlatReadings() {
  const { t } = useTranslation()
  const { flat, house } = useOutletContext<FlatContext>()
  const format = useHousingFormat()
  const { oneOf, set } = useQueryState()
  const now = monthIn(house.timezone)
  const months = [addMonths(now, -1), now]
  const month = oneOf('month', months) ?? now
  const meters = useQuery(homeQueries.meters(flat.id))
  const prices = useQuery(homeQueries.prices(house.id, month))
  const there = meters.data?.results.filter(
    (m) => m.installed_on.slice(0, 7) <= month && (!m.removed_on || m.removed_on.slice(0, 7) >= month),
  )
  return (
    <Stack gap="md">
      <SegmentedControl
        fullWidth
        aria-label={t('housing.month')}
        value={month}
        data={months.map((value) => ({ value, label: format.month(value) }))}
        onChange={(value) => set({ month: value === now ? '' : value })}
      />
      <Text c="dimmed">{t('housing.readings.window', { from: house.window_from, to: house.window_to })}</Text>
      {meters.isPending && <Skeleton height={240} radius="lg" />}
      {meters.isError && <Failure error={meters.error} retry={meters.refetch} />}
      {there?.length === 0 && <Empty title={t('housing.readings.none')}>{t('housing.readings.none_text')}</Empty>}
      {there && (
        <div className={classes.cards}>
          {there.map((meter) => (
            <ReadingCard key={meter.id} meter={meter} month={month} price={prices.data?.[meter.kind]} />
          ))}
        </div>
      )}
    </Stack>
  )
}
