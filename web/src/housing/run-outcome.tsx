import { Alert, Skeleton, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import desk from '../ui/desk.module.css'
import { Pager } from '../ui/pager.tsx'
import { Failure } from '../ui/states.tsx'
import { Wide } from '../ui/wide.tsx'
import { useHousingFormat } from './format.ts'
import type { Run } from './queries.ts'
import { staffQueries } from './staff-queries.ts'

/** The bills of a run beside those of the month before, the largest differences first. */
export function Comparison({ run }: { run: Run }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const [page, setPage] = useState(1)
  const comparison = useQuery(staffQueries.comparison(run.id, page))
  if (comparison.isPending) return <Skeleton height={240} />
  if (!comparison.data) return <Failure error={comparison.error} retry={comparison.refetch} />
  return (
    <>
      <Wide label={t('housing.run.compare')}>
        <Table verticalSpacing={2} miw={480}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('housing.grid.flat')}</Table.Th>
              <Table.Th ta="right">{t('housing.run.before')}</Table.Th>
              <Table.Th ta="right">{t('housing.run.now')}</Table.Th>
              <Table.Th ta="right">{t('housing.run.difference')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {comparison.data.results.map((row) => (
              <Table.Tr key={row.bill}>
                <Table.Th scope="row">
                  <Link to={`/bills/${row.bill}`} className={desk.back}>
                    {row.number}
                  </Link>
                  {row.status === 'incomplete' && (
                    <>
                      {' '}
                      <span className={desk.chip}>{t('housing.bills.incomplete')}</span>
                    </>
                  )}
                </Table.Th>
                <Table.Td ta="right">{row.before === null ? '—' : format.money(row.before)}</Table.Td>
                <Table.Td ta="right">{format.money(row.total)}</Table.Td>
                <Table.Td ta="right" fw={600}>
                  {format.change(row.difference)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
      <Pager count={comparison.data.count} size={20} page={page} onChange={setPage} />
    </>
  )
}

/** Flats whose bill lacks a line, each with what is missing. */
export function Incomplete({ run }: { run: Run }) {
  const { t } = useTranslation()
  const incomplete = useQuery({ ...staffQueries.incomplete(run.id), enabled: run.incomplete > 0 })
  if (!run.incomplete) return null
  const rows = incomplete.data?.results ?? []
  return (
    <Alert color="yellow" title={t('housing.run.incomplete_title', { count: run.incomplete })}>
      <ul className={desk.plain}>
        {rows.map((flat) => (
          <li key={flat.id}>
            <Link to={`/bills/${flat.bill}`} className={desk.back}>
              {t('housing.flat', { number: flat.number })}
            </Link>
            {': '}
            {flat.issues.map(({ message }) => message).join(' ')}
          </li>
        ))}
      </ul>
      {rows.length < run.incomplete && incomplete.data && (
        <Text size="sm">{t('shell.and_more', { count: run.incomplete - rows.length })}</Text>
      )}
    </Alert>
  )
}
