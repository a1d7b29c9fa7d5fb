import { Skeleton, Stack, Table, Text, VisuallyHidden } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useOutletContext } from 'react-router'
import { Section } from '../ui/section.tsx'
import { Empty, Failure } from '../ui/states.tsx'
import type { FlatContext } from './flat.tsx'
import { useHousingFormat } from './format.ts'
import classes from './housing.module.css'
import { monthIn, monthsUpTo } from './months.ts'
import { homeQueries, kinds } from './queries.ts'

/** Twelve months of water beside the mean of the house: bars to the eye, and the table that they are. */
export function FlatWater() {
  const { t } = useTranslation()
  const { flat, house } = useOutletContext<FlatContext>()
  const format = useHousingFormat()
  const water = useQuery(homeQueries.water(flat.id))
  if (water.isPending) return <Skeleton height={420} radius="lg" />
  if (water.isError) return <Failure error={water.error} retry={water.refetch} />
  const { results } = water.data
  if (!results.length) return <Empty title={t('housing.water.none')}>{t('housing.water.none_text')}</Empty>
  const months = monthsUpTo(monthIn(house.timezone), 12)
  return (
    <Stack gap="lg">
      {kinds.map((kind) => {
        const rows = results.filter((row) => row.kind === kind)
        if (!rows.length) return null
        const largest = Math.max(...rows.flatMap(({ volume, mean }) => [Number(volume ?? 0), Number(mean)]), 1)
        const share = (volume: string) => `${(Math.max(0, Number(volume)) / largest) * 100}%`
        return (
          <Section key={kind} title={t(`housing.kind.${kind}`)}>
            <Text size="sm" className={classes.legend}>
              <span className={classes.swatch} data-kind={kind} aria-hidden /> {t('housing.water.mine')}
              <span className={classes.legendMark} aria-hidden /> {t('housing.water.mean')}
            </Text>
            <Table className={classes.water} verticalSpacing={6} horizontalSpacing={8} withRowBorders={false}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('housing.month')}</Table.Th>
                  <Table.Td className={classes.barCell} />
                  <Table.Th ta="right">{t('housing.water.mine_short')}</Table.Th>
                  <Table.Th ta="right">{t('housing.water.mean_short')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {months.map((month) => {
                  const row = rows.find((r) => r.month === month)
                  return (
                    <Table.Tr key={month}>
                      <Table.Th scope="row" fw={400} className={classes.short}>
                        {format.shortMonth(month)}
                      </Table.Th>
                      <Table.Td aria-hidden className={classes.barCell}>
                        <span className={classes.track}>
                          {row?.volume && (
                            <span className={classes.bar} data-kind={kind} style={{ width: share(row.volume) }} />
                          )}
                          {row && <span className={classes.mark} style={{ left: share(row.mean) }} />}
                        </span>
                      </Table.Td>
                      <Table.Td ta="right" fw={600}>
                        {row?.volume ? (
                          format.plainVolume(row.volume)
                        ) : (
                          <>
                            <span aria-hidden>—</span>
                            <VisuallyHidden>{t('housing.water.no_reading')}</VisuallyHidden>
                          </>
                        )}
                      </Table.Td>
                      <Table.Td ta="right" c="dimmed">
                        {row && format.plainVolume(row.mean)}
                      </Table.Td>
                    </Table.Tr>
                  )
                })}
              </Table.Tbody>
            </Table>
          </Section>
        )
      })}
    </Stack>
  )
}
