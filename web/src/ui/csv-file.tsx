import { Button, FileButton, Group, Select, Table, Text } from '@mantine/core'
import { IconDownload, IconFileSpreadsheet } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type DragEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useFormat } from '../format.ts'
import classes from './csv-file.module.css'
import desk from './desk.module.css'
import { delimiterOf, linesOf } from './file-lines.ts'
import { openFile } from './open-file.ts'
import { Wide } from './wide.tsx'

type PickProps = {
  file: File | undefined
  busy: boolean
  /** What a file looks like that would do. */
  sample: { name: string; text: string }
  onPick: (file: File) => void
}

/** Where a CSV is chosen or dropped. */
export function PickFile({ file, busy, sample, onPick }: PickProps) {
  const { t } = useTranslation()
  const [isOver, setOver] = useState(false)
  const over = (event: DragEvent, isHere: boolean) => {
    event.preventDefault()
    setOver(isHere)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the button is the one for everybody
    <div
      className={classes.drop}
      data-over={isOver || undefined}
      onDragOver={(event) => over(event, true)}
      onDragLeave={(event) => over(event, false)}
      onDrop={(event) => {
        over(event, false)
        const dropped = event.dataTransfer.files[0]
        if (dropped && !busy) onPick(dropped)
      }}
    >
      <Text c={file ? undefined : 'dimmed'} fw={file ? 600 : undefined}>
        {file?.name ?? t('shell.file.drop')}
      </Text>
      <Group>
        <FileButton
          onChange={(chosen) => chosen && onPick(chosen)}
          accept=".csv,text/csv,text/plain"
          inputProps={{ 'aria-label': t('shell.file.choose') }}
        >
          {(props) => (
            <Button
              {...props}
              variant={file ? 'default' : 'filled'}
              leftSection={<IconFileSpreadsheet size={20} aria-hidden />}
              loading={busy}
            >
              {t('shell.file.choose')}
            </Button>
          )}
        </FileButton>
        <Button
          component="a"
          variant="default"
          download={sample.name}
          href={`data:text/csv;charset=utf-8,${encodeURIComponent(sample.text)}`}
        >
          {t('shell.file.sample')}
        </Button>
      </Group>
    </div>
  )
}

/** A column of a file: its head, and what it is taken for. */
export type Column = { header: string; field: string | null }
type ColumnsProps = {
  columns: Column[]
  fields: { value: string; label: string }[]
  /** The fields in the order of the columns; null is passed over. */
  onChange: (fields: (string | null)[]) => void
}

/** What each column of a file is taken for, to be put right. */
export function FileColumns({ columns, fields, onChange }: ColumnsProps) {
  const { t } = useTranslation()
  return (
    <div className={desk.pair}>
      {columns.map(({ header, field }, i) => (
        <Select
          // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place
          key={i}
          label={header || t('shell.file.column', { n: i + 1 })}
          value={field ?? ''}
          data={[{ value: '', label: t('shell.file.skip') }, ...fields]}
          onChange={(value) =>
            onChange(columns.map((c, at) => (at === i ? value || null : c.field === value ? null : c.field)))
          }
        />
      ))}
    </div>
  )
}

type Fault = { line: number; message: string }

/** The faulty rows as they stand in the file, each beside what is wrong with it; to take along and put right. */
export function FaultyRows({ file, errors, faulty }: { file: File; errors: Fault[]; faulty: number }) {
  const { t } = useTranslation()
  const { number } = useFormat()
  const wanted = [1, ...errors.map(({ line }) => line)]
  const { data: lines } = useQuery({
    queryKey: ['file', file.name, file.size, file.lastModified, wanted],
    queryFn: () => linesOf(file, wanted),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  const download = () => {
    const head = lines?.get(1) ?? ''
    const sign = delimiterOf(head)
    const rows = errors.map(({ line, message }) => [lines?.get(line) ?? '', `"${message.replaceAll('"', '""')}"`])
    const text = [[head, t('shell.file.fault')], ...rows].map((row) => row.join(sign)).join('\r\n')
    // The mark tells spreadsheets that it is UTF-8.
    openFile(new Blob([`\ufeff${text}\r\n`], { type: 'text/csv' }), file.name.replace(/(\.\w+)?$/, '-errors.csv'))
  }
  const title = t('shell.file.faulty', { count: faulty })
  return (
    <>
      <Group justify="space-between">
        <Text fw={600} c="var(--mantine-color-error)">
          {title}
        </Text>
        <Button variant="default" leftSection={<IconDownload size={20} aria-hidden />} onClick={download}>
          {t('shell.file.take_faulty')}
        </Button>
      </Group>
      <Wide label={title}>
        <Table verticalSpacing="sm" miw={560}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th ta="right">{t('shell.file.line')}</Table.Th>
              <Table.Th>{t('shell.file.row')}</Table.Th>
              <Table.Th>{t('shell.file.fault')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {errors.map(({ line, message }) => (
              <Table.Tr key={line}>
                <Table.Th scope="row" ta="right">
                  {number(line)}
                </Table.Th>
                <Table.Td className={classes.fileRow}>{lines?.get(line)}</Table.Td>
                <Table.Td>{message}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
      {errors.length < faulty && <Text c="dimmed">{t('shell.and_more', { count: faulty - errors.length })}</Text>}
    </>
  )
}

/** Sends a file as the body of a call: `answer(api.POST(path, { ...fileBody(file) }))`. */
export const fileBody = (file: File) => ({
  // The file itself is the body; the descriptions of the routes know no such kind.
  body: file as never,
  bodySerializer: (body: unknown) => body as File,
  headers: { 'Content-Type': 'text/csv' },
})

/** The columns of a file as the query of an import has them: `phone,,tag`. */
export const columnsQuery = (fields: (string | null)[] | undefined) =>
  fields ? { columns: fields.map((field) => field ?? '').join(',') } : {}
