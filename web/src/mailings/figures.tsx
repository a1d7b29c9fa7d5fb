import { Skeleton, Table, Text } from '@mantine/core'
import { lazy, type ReactNode, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { Wide } from '../ui/wide.tsx'
import { useMailingsFormat } from './format.ts'
import classes from './mailings.module.css'

// The library of charts is larger than all pages: it comes with the first chart.
const Bars = lazy(() => import('./charts.tsx'))

type Kind = 'sent' | 'error' | 'expired'
type Row = { name: string } & Partial<Record<Kind, number>>
type Props = { what: string; rows: Row[]; kinds: Kind[]; isLying?: boolean; empty: ReactNode }

/** One question as bars, and the same as a table. */
export function Figures({ what, rows, kinds, isLying, empty }: Props) {
  const { t } = useTranslation()
  const { number } = useMailingsFormat()
  if (!rows.length) return <Text c="dimmed">{empty}</Text>
  return (
    <>
      <Text size="sm" component="div" className={classes.countWords}>
        {kinds.map((kind) => (
          <span key={kind} className={classes.countWord}>
            <span className={classes.swatch} data-status={kind} aria-hidden /> {t(`mailings.message.${kind}`)}
          </span>
        ))}
      </Text>
      <Suspense fallback={<Skeleton height={240} />}>
        <Bars
          data={rows}
          by="name"
          series={kinds.map((status) => ({ name: status, label: t(`mailings.message.${status}`), status }))}
          {...(isLying && { isLying })}
        />
      </Suspense>
      <details className={classes.samples}>
        <summary>{t('mailings.as_table')}</summary>
        <Wide label={what}>
          <Table verticalSpacing={6}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{what}</Table.Th>
                {kinds.map((kind) => (
                  <Table.Th key={kind} ta="right">
                    {t(`mailings.message.${kind}`)}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Table.Tr key={row.name}>
                  <Table.Th scope="row" fw={400}>
                    {row.name}
                  </Table.Th>
                  {kinds.map((kind) => (
                    <Table.Td key={kind} ta="right">
                      {number(row[kind] ?? 0)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      </details>
    </>
  )
}
