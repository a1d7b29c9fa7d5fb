import { Button, Table, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ClipboardEvent, type KeyboardEvent, type Ref, useImperativeHandle, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api, isAway, Problem, type Shapes } from '../api.ts'
import desk from '../ui/desk.module.css'
import { useOnce } from '../ui/once.ts'
import { useHousingFormat } from './format.ts'
import classes from './housing.module.css'
import { monthsBetween } from './months.ts'
import { ask, decimalOf, thousandths, volumeOf } from './volumes.ts'

export type GridCell = { focus(): void; save(): void; fill(value: string): void }

type Row = {
  apartment: { number: string }
  meter: { id: number; kind: Shapes['Meter']['kind']; serial: string; digits: number }
  previous: { month: string | null; value: string } | null
  mean_volume: string | null
  reading: Shapes['Reading'] | null
}
type Props = {
  row: Row
  month: string
  house: number
  mayWrite: boolean
  onKey: (event: KeyboardEvent) => void
  onPaste: (event: ClipboardEvent) => void
  cell: Ref<GridCell>
}

/** A meter in the grid; what was typed is saved when the cell is left. */
export function GridRow({ row, month, house, mayWrite, onKey, onPaste, cell }: Props) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const queries = useQueryClient()
  const once = useOnce()
  const input = useRef<HTMLInputElement>(null)
  /** Null: nothing was typed since it was kept. */
  const [draft, setDraft] = useState<string | null>(null)
  const [fault, setFault] = useState('')
  const { meter, previous, reading: kept } = row
  const text = draft ?? (kept ? format.fieldVolume(kept.value) : '')
  const typed = volumeOf(text)
  const isNew = typed === undefined ? text !== '' : decimalOf(typed) !== kept?.value
  const asked =
    previous && typed !== undefined
      ? ask(typed, {
          value: previous.value,
          monthsAgo: previous.month ? monthsBetween(previous.month, month) : 1,
          digits: meter.digits,
          mean: row.mean_volume,
        })
      : undefined

  const send = useMutation({
    mutationFn: ({ value, rollover }: { value: string; rollover: boolean }) => {
      const body = { value, rollover }
      if (kept) return answer(api.PATCH('/api/readings/{id}', { params: { path: { id: kept.id } }, body }))
      return answer(
        api.POST('/api/meters/{id}/readings', {
          params: { path: { id: meter.id } },
          headers: once.keyFor({ meter: meter.id, month, ...body }),
          body: { ...body, month },
        }),
      )
    },
    onSuccess: (reading) => {
      once.finish()
      // Unless another number was typed meanwhile.
      setDraft((now) => (now !== null && volumeOf(now) === thousandths(reading.value) ? null : now))
      setFault('')
      queries.setQueriesData<{ missing: number; results: Row[] }>(
        { queryKey: ['housing', 'month', house, { month }] },
        (old) =>
          old && {
            ...old,
            missing: Math.max(0, old.missing - (kept ? 0 : 1)),
            results: old.results.map((r) => (r.meter.id === meter.id ? { ...r, reading } : r)),
          },
      )
      // The rows stay as they are under the hands of the person, and are asked for anew next time.
      return queries.invalidateQueries({ queryKey: ['housing', 'month', house], refetchType: 'none' })
    },
    onError: (error) => {
      const problem = error instanceof Problem ? error : new Problem(-1)
      const words = problem.faults.map(({ message }) => message).join(' ') || problem.message
      setFault(words || t(isAway(problem) ? 'shell.failure.away' : 'shell.failure.other'))
    },
  })
  const save = (words: string, rollover = false) => {
    const value = volumeOf(words)
    if (words.trim() === '' || (value !== undefined && decimalOf(value) === kept?.value)) return setFault('')
    if (value === undefined) return setFault(t('housing.readings.no_number'))
    if (!send.isPending) send.mutate({ value: decimalOf(value), rollover })
  }
  useImperativeHandle(cell, () => ({
    focus: () => {
      input.current?.focus()
      input.current?.select()
    },
    save: () => save(text),
    fill: (value) => {
      setDraft(value.trim())
      save(value.trim())
    },
  }))
  const volume =
    kept && !isNew ? kept.volume : asked && (!asked.isBelow || kept?.rollover) ? decimalOf(asked.volume) : null
  const label = t('housing.grid.cell', { flat: row.apartment.number, kind: t(`housing.kind.${meter.kind}`) })
  return (
    <Table.Tr>
      <Table.Th scope="row">{row.apartment.number}</Table.Th>
      <Table.Td>
        {t(`housing.kind.${meter.kind}`)}
        <Text size="sm" c="dimmed">
          {t('housing.meter_number', { serial: meter.serial })}
        </Text>
      </Table.Td>
      <Table.Td ta="right">{previous && format.plainVolume(previous.value)}</Table.Td>
      <Table.Td className={classes.cell}>
        <TextInput
          ref={input}
          aria-label={label}
          inputMode="decimal"
          autoComplete="off"
          readOnly={!mayWrite}
          value={text}
          error={fault}
          errorProps={{ role: 'alert' }}
          onChange={(event) => {
            setDraft(event.currentTarget.value)
            setFault('')
          }}
          onKeyDown={onKey}
          onPaste={onPaste}
          onBlur={() => save(text)}
        />
        {fault && asked?.isBelow && (
          <Button variant="default" mt={6} loading={send.isPending} onClick={() => save(text, true)}>
            {t('housing.grid.rollover')}
          </Button>
        )}
      </Table.Td>
      <Table.Td ta="right">
        {volume && format.volume(volume)}
        {kept && !isNew && kept.question && (
          <Text size="sm" component="div">
            <span className={desk.chip}>{t('housing.grid.odd')}</span>
          </Text>
        )}
        {kept && !isNew && !kept.question && (
          <Text size="sm" component="div">
            <span className={desk.chip} data-tone="good">
              {t('housing.grid.kept')}
            </span>
          </Text>
        )}
      </Table.Td>
    </Table.Tr>
  )
}
