import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api.ts'
import { type Column, FaultyRows, FileColumns, PickFile } from './csv-file.tsx'
import { headsOf } from './file-lines.ts'
import { tell } from './problems.ts'
import { Section } from './section.tsx'

type Report = {
  dry_run: boolean
  faulty: number
  errors: { line: number; message: string }[]
  columns: Column[]
}
/** A call of an import; `fields` are what the columns are taken for, unless the heads tell. */
export type Take = { file: File; fields?: (string | null)[] | undefined; dry_run: boolean }

type Props<R extends Report> = {
  title: string
  text: string
  sample: { name: string; text: string }
  fields: { value: string; label: string }[]
  /** The field without which no row is one. */
  needed: string
  send: (take: Take) => Promise<R>
  onDone: () => Promise<unknown>
  /** What came of it, or would, in words. */
  summary: (report: NoInfer<R>) => ReactNode
  /** Where to go from there. */
  next: ReactNode
}

/** A file step by step: what its columns are, what would come of it with the faulty rows, and then the import itself. */
export function ImportFile<R extends Report>(props: Props<R>) {
  const { title, text, sample, fields, needed, send, onDone, summary, next } = props
  const { t } = useTranslation()
  const [picked, setPicked] = useState<File>()
  const [columns, setColumns] = useState<Column[]>()
  const take = useMutation({
    mutationFn: send,
    onSuccess: async (report) => {
      setColumns(report.columns)
      if (!report.dry_run) await onDone()
    },
    onError: async (error, { file, fields }) => {
      // No head is a usual one: the person says what the columns are.
      const isUnknown = error instanceof Problem && error.code === 'csv.missing_column' && !fields
      const heads = isUnknown ? await headsOf(file) : []
      if (heads.length) setColumns(heads.map((header) => ({ header, field: null })))
      else tell(error)
    },
  })
  const pick = (file: File) => {
    setPicked(file)
    setColumns(undefined)
    take.mutate({ file, dry_run: true })
  }
  const report = take.data
  const isDone = report?.dry_run === false
  const isMapped = columns?.some(({ field }) => field === needed)

  return (
    <Stack gap="lg">
      <Section title={title} text={text}>
        <PickFile file={picked} busy={take.isPending} sample={sample} onPick={pick} />
      </Section>
      {picked && columns && !isDone && (
        <Section title={t('shell.file.columns')} text={t('shell.file.columns_text')}>
          <FileColumns
            columns={columns}
            fields={fields}
            onChange={(next) => {
              setColumns(columns.map(({ header }, i) => ({ header, field: next[i] ?? null })))
              if (next.includes(needed)) take.mutate({ file: picked, fields: next, dry_run: true })
            }}
          />
          {!isMapped && (
            <Text c="var(--mantine-color-error)" role="alert">
              {t('shell.file.needed', { field: fields.find(({ value }) => value === needed)?.label })}
            </Text>
          )}
        </Section>
      )}
      {picked && report && isMapped && (
        <Section title={t(isDone ? 'shell.file.outcome' : 'shell.file.check')}>
          <div role="status" data-testid="report">
            {summary(report)}
          </div>
          {report.faulty > 0 && <FaultyRows file={picked} errors={report.errors} faulty={report.faulty} />}
          {isDone ? (
            <Alert color="green" icon={<IconCheck aria-hidden />} title={t('shell.file.done')}>
              {next}
            </Alert>
          ) : (
            <Group>
              <Button
                size="lg"
                loading={take.isPending}
                onClick={() =>
                  take.mutate({ file: picked, fields: report.columns.map(({ field }) => field), dry_run: false })
                }
              >
                {t(report.faulty ? 'shell.file.take_good' : 'shell.file.take')}
              </Button>
            </Group>
          )}
        </Section>
      )}
    </Stack>
  )
}
