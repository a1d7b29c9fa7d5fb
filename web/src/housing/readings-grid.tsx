import { Button, Checkbox, Group, Skeleton, Stack, Table, Text } from '@mantine/core'
import { IconMail } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type ClipboardEvent, type KeyboardEvent, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useOutletContext } from 'react-router'
import { answer, api } from '../api.ts'
import desk from '../ui/desk.module.css'
import { Pager } from '../ui/pager.tsx'
import { done, tell } from '../ui/problems.ts'
import { useQueryState } from '../ui/query-state.ts'
import { Empty, Failure } from '../ui/states.tsx'
import { Wide } from '../ui/wide.tsx'
import { useHousingFormat } from './format.ts'
import { type GridCell, GridRow } from './grid-row.tsx'
import type { HouseContext } from './house.tsx'
import classes from './housing.module.css'
import { MonthField, useMonth } from './month-field.tsx'
import { addMonths, monthIn } from './months.ts'
import { gridRows, staffQueries } from './staff-queries.ts'

/** The readings of a month as a grid: Enter saves and moves down, arrows move, a pasted column fills what is below. */
export function ReadingsGrid() {
  const { t } = useTranslation()
  const { house, mayWrite } = useOutletContext<HouseContext>()
  const format = useHousingFormat()
  const month = useMonth(addMonths(monthIn(house.timezone), -1))
  const { page, get, set } = useQueryState()
  const onlyMissing = get('missing') === 'true'
  const grid = useQuery(staffQueries.month(house.id, { month, page, ...(onlyMissing ? { missing: true } : {}) }))
  const cells = useRef(new Map<number, GridCell>())
  const rows = grid.data?.results

  const remind = useMutation({
    mutationFn: () =>
      answer(api.POST('/api/houses/{id}/reminders', { params: { path: { id: house.id } }, body: { month } })),
    onSuccess: ({ count }) => done(t('housing.grid.reminded', { count })),
    onError: (error) => tell(error),
  })
  const cellAt = (index: number) => {
    const row = rows?.[index]
    return row && cells.current.get(row.meter.id)
  }
  const onKey = (event: KeyboardEvent, index: number) => {
    const step = { Enter: event.shiftKey ? -1 : 1, ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (!step) return
    event.preventDefault()
    // A cell that is left saves itself.
    const next = cellAt(index + step)
    if (next) next.focus()
    else if (event.key === 'Enter') cellAt(index)?.save()
  }
  const onPaste = (event: ClipboardEvent, index: number) => {
    const values = event.clipboardData
      .getData('text')
      .replace(/\r?\n$/, '')
      .split(/\r?\n/)
      .map((line) => line.split('\t')[0] ?? '')
    if (values.length < 2) return
    event.preventDefault()
    for (const [i, value] of values.entries()) cellAt(index + i)?.fill(value)
    cellAt(Math.min(index + values.length, (rows?.length ?? 1) - 1))?.focus()
  }

  return (
    <Stack gap="md">
      <div className={desk.tools}>
        <MonthField month={month} />
        <Checkbox
          size="md"
          classNames={{ body: classes.tall, label: classes.tallLabel }}
          label={t('housing.grid.only_missing')}
          checked={onlyMissing}
          onChange={(event) => set({ missing: event.currentTarget.checked ? 'true' : '' })}
        />
        {grid.data && (
          <Text fw={600} role="status" className={desk.grow}>
            {t('housing.grid.missing', { count: grid.data.missing })}
          </Text>
        )}
        {mayWrite && (
          <Button
            variant="default"
            leftSection={<IconMail size={20} aria-hidden />}
            loading={remind.isPending}
            disabled={!grid.data?.missing}
            onClick={() => remind.mutate()}
          >
            {t('housing.grid.remind')}
          </Button>
        )}
      </div>
      {mayWrite && <Text c="dimmed">{t('housing.grid.keys')}</Text>}
      {grid.isPending && <Skeleton height={480} radius="lg" />}
      {grid.isError && !rows && <Failure error={grid.error} retry={grid.refetch} />}
      {rows?.length === 0 && (
        <Empty title={t(onlyMissing ? 'housing.grid.all_there' : 'housing.readings.none')}>{format.month(month)}</Empty>
      )}
      {rows && rows.length > 0 && (
        <Wide label={t('housing.readings.title')} isCard>
          <Table verticalSpacing={6} horizontalSpacing="sm" miw={640}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('housing.grid.flat')}</Table.Th>
                <Table.Th>{t('housing.grid.meter')}</Table.Th>
                <Table.Th ta="right">{t('housing.grid.previous')}</Table.Th>
                <Table.Th>{t('housing.grid.value')}</Table.Th>
                <Table.Th ta="right">{t('housing.grid.volume')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row, i) => (
                <GridRow
                  key={`${month} ${row.meter.id}`}
                  row={row}
                  month={month}
                  house={house.id}
                  mayWrite={mayWrite}
                  onKey={(event) => onKey(event, i)}
                  onPaste={(event) => onPaste(event, i)}
                  cell={(cell) => {
                    if (cell) cells.current.set(row.meter.id, cell)
                    else cells.current.delete(row.meter.id)
                  }}
                />
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      )}
      <Group justify="center">
        <Pager count={grid.data?.count ?? 0} size={gridRows} page={page} onChange={(n) => set({ page: String(n) })} />
      </Group>
    </Stack>
  )
}
