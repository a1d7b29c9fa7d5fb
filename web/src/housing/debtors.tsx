import { Button, Skeleton, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useOutletContext } from 'react-router'
import desk from '../ui/desk.module.css'
import { Pager } from '../ui/pager.tsx'
import { useQueryState } from '../ui/query-state.ts'
import { Empty, Failure } from '../ui/states.tsx'
import { Wide } from '../ui/wide.tsx'
import { useHousingFormat } from './format.ts'
import type { HouseContext } from './house.tsx'
import { PaymentDialog } from './money.tsx'
import { staffQueries } from './staff-queries.ts'

/** Flats that owe, the largest debt first, with its age. */
export function Debtors() {
  const { t } = useTranslation()
  const { house, mayWrite } = useOutletContext<HouseContext>()
  const format = useHousingFormat()
  const { page, set } = useQueryState()
  const [paying, setPaying] = useState<{ id: number; number: string; balance: string }>()
  const debtors = useQuery(staffQueries.debtors(house.id, page))
  if (debtors.isPending) return <Skeleton height={400} radius="lg" />
  if (!debtors.data) return <Failure error={debtors.error} retry={debtors.refetch} />
  const { results, total, count } = debtors.data
  if (!results.length) return <Empty title={t('housing.debtors.none')}>{t('housing.debtors.none_text')}</Empty>
  return (
    <Stack gap="md">
      <Text fz="lg">
        {t('housing.debtors.total')} <strong>{format.money(total)}</strong>
      </Text>
      <Wide label={t('housing.debtors.title')} isCard>
        <Table verticalSpacing="sm" horizontalSpacing="md" miw={720}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('housing.grid.flat')}</Table.Th>
              <Table.Th>{t('housing.debtors.since')}</Table.Th>
              <Table.Th ta="right">{t('housing.debtors.days_0_30')}</Table.Th>
              <Table.Th ta="right">{t('housing.debtors.days_31_90')}</Table.Th>
              <Table.Th ta="right">{t('housing.debtors.days_over_90')}</Table.Th>
              <Table.Th ta="right">{t('housing.debtors.debt')}</Table.Th>
              {mayWrite && <Table.Td />}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {results.map(({ apartment, balance, since, ...age }) => (
              <Table.Tr key={apartment.id}>
                <Table.Th scope="row">
                  <Link to={`/admin/flats/${apartment.id}`} className={desk.back}>
                    {apartment.number}
                  </Link>
                </Table.Th>
                <Table.Td>{format.date(since)}</Table.Td>
                <Table.Td ta="right">{format.money(age.days_0_30)}</Table.Td>
                <Table.Td ta="right">{format.money(age.days_31_90)}</Table.Td>
                <Table.Td ta="right">{format.money(age.days_over_90)}</Table.Td>
                <Table.Td ta="right" fw={650}>
                  {format.money(balance)}
                </Table.Td>
                {mayWrite && (
                  <Table.Td ta="right">
                    <Button
                      variant="default"
                      aria-label={t('housing.money.receive_named', { number: apartment.number })}
                      onClick={() => setPaying({ ...apartment, balance })}
                    >
                      {t('housing.money.receive')}
                    </Button>
                  </Table.Td>
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
      <Pager count={count} size={50} page={page} onChange={(n) => set({ page: String(n) })} />
      {paying && (
        <PaymentDialog
          flat={paying.id}
          number={paying.number}
          debt={paying.balance}
          onClose={() => setPaying(undefined)}
        />
      )}
    </Stack>
  )
}
