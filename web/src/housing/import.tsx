import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useOutletContext } from 'react-router'
import { answer, api } from '../api.ts'
import { columnsQuery, FaultyRows, FileColumns, fileBody, PickFile } from '../ui/csv-file.tsx'
import desk from '../ui/desk.module.css'
import { tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import type { HouseContext } from './house.tsx'

const fields = [
  'number',
  'area',
  'account',
  'serial',
  'kind',
  'installed_on',
  'initial_value',
  'digits',
  'month',
  'value',
  'rollover',
] as const
const sample = `number;area;account;kind;serial;installed_on;initial_value;month;value
1;54,3;0050001;cold_water;21-004512;2024-05-12;0;;
`

/** A whole house from a file: what each column is, what would come of it, and then the import itself. */
export function ImportHouse() {
  const { t } = useTranslation()
  const { house } = useOutletContext<HouseContext>()
  const queries = useQueryClient()
  const [picked, setPicked] = useState<File>()
  const [columns, setColumns] = useState<{ header: string; field: string | null }[]>()
  const take = useMutation({
    mutationFn: ({ file, fields, dry_run }: { file: File; fields?: (string | null)[]; dry_run: boolean }) =>
      answer(
        api.POST('/api/houses/{id}/import', {
          params: { path: { id: house.id }, query: { dry_run, ...columnsQuery(fields) } },
          ...fileBody(file),
        }),
      ),
    onSuccess: async (report) => {
      setColumns(report.columns)
      if (!report.dry_run) await queries.invalidateQueries({ queryKey: ['housing'] })
    },
    onError: (error) => tell(error),
  })
  const pick = (file: File) => {
    setPicked(file)
    setColumns(undefined)
    take.mutate({ file, dry_run: true })
  }
  const report = take.data
  const isDone = report?.dry_run === false

  return (
    <Stack gap="lg">
      <Section title={t('housing.import.file')} text={t('housing.import.file_text')}>
        <PickFile file={picked} busy={take.isPending} sample={{ name: 'house.csv', text: sample }} onPick={pick} />
      </Section>

      {picked && report && columns && !isDone && (
        <Section title={t('shell.file.columns')} text={t('shell.file.columns_text')}>
          <FileColumns
            columns={columns}
            fields={fields.map((value) => ({ value, label: t(`housing.import.field.${value}`) }))}
            onChange={(next) => {
              setColumns(columns.map(({ header }, i) => ({ header, field: next[i] ?? null })))
              if (next.includes('number')) take.mutate({ file: picked, fields: next, dry_run: true })
            }}
          />
        </Section>
      )}

      {picked && report && (
        <Section title={t(isDone ? 'shell.file.outcome' : 'shell.file.check')}>
          <div role="status" data-testid="report">
            <Text>{t('shell.file.rows', { count: report.rows })}</Text>
            <Text>{t('housing.import.created', report.created)}</Text>
            {report.unchanged > 0 && <Text>{t('housing.import.unchanged', { count: report.unchanged })}</Text>}
          </div>
          {report.faulty > 0 && <FaultyRows file={picked} errors={report.errors} faulty={report.faulty} />}
          {!isDone && (
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
          {isDone && (
            <Alert color="green" icon={<IconCheck aria-hidden />} title={t('shell.file.done')}>
              <Link to={`/admin/houses/${house.id}/flats`} className={desk.back}>
                {t('housing.import.to_flats')}
              </Link>
            </Alert>
          )}
        </Section>
      )}
    </Stack>
  )
}
