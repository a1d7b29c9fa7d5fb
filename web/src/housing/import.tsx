import { Alert, Button, FileButton, Group, Select, Stack, Table, Text } from '@mantine/core'
import { IconCheck, IconFileSpreadsheet } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useOutletContext } from 'react-router'
import { answer, api } from '../api.ts'
import { tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import { useHousingFormat } from './format.ts'
import type { HouseContext } from './house.tsx'
import classes from './housing.module.css'
import { Wide } from './wide.tsx'

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

type Picked = { file: File; lines: string[] }

/** The lines of a file as its encoding has them. */
async function linesOf(file: File): Promise<string[]> {
  const bytes = await file.arrayBuffer()
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).split(/\r?\n/)
  } catch {
    return new TextDecoder('windows-1251').decode(bytes).split(/\r?\n/)
  }
}

/** A whole house from a file: what each column is, what would come of it, and then the import itself. */
export function ImportHouse() {
  const { t } = useTranslation()
  const { house } = useOutletContext<HouseContext>()
  const queries = useQueryClient()
  const [picked, setPicked] = useState<Picked>()
  const [columns, setColumns] = useState<(string | null)[]>()
  const take = useMutation({
    mutationFn: ({
      file,
      columns,
      dry_run,
    }: {
      file: File
      columns?: (string | null)[] | undefined
      dry_run: boolean
    }) =>
      answer(
        api.POST('/api/houses/{id}/import', {
          params: {
            path: { id: house.id },
            query: { dry_run, ...(columns && { columns: columns.map((field) => field ?? '').join(',') }) },
          },
          // The file itself is the body; the description of the route knows no such kind.
          body: file as never,
          bodySerializer: (body: unknown) => body as File,
          headers: { 'Content-Type': 'text/csv' },
        }),
      ),
    onSuccess: async (report) => {
      setColumns(report.columns.map(({ field }) => field))
      if (!report.dry_run) await queries.invalidateQueries({ queryKey: ['housing'] })
    },
    onError: (error) => tell(error),
  })
  const pick = async (file: File | null) => {
    if (!file) return
    setPicked({ file, lines: await linesOf(file) })
    setColumns(undefined)
    take.mutate({ file, dry_run: true })
  }
  const report = take.data
  const isDone = report?.dry_run === false

  return (
    <Stack gap="lg">
      <Section title={t('housing.import.file')} text={t('housing.import.file_text')}>
        <Group>
          <FileButton
            onChange={(file) => void pick(file)}
            accept=".csv,text/csv,text/plain"
            inputProps={{ 'aria-label': t('housing.import.choose') }}
          >
            {(props) => (
              <Button {...props} leftSection={<IconFileSpreadsheet size={20} aria-hidden />} loading={take.isPending}>
                {t('housing.import.choose')}
              </Button>
            )}
          </FileButton>
          <Button
            component="a"
            variant="default"
            download="house.csv"
            href={`data:text/csv;charset=utf-8,${encodeURIComponent(sample)}`}
          >
            {t('housing.import.sample')}
          </Button>
        </Group>
        {picked && <Text fw={600}>{picked.file.name}</Text>}
      </Section>

      {picked && report && columns && !isDone && (
        <Section title={t('housing.import.columns')} text={t('housing.import.columns_text')}>
          <div className={classes.pair}>
            {report.columns.map(({ header }, i) => (
              <Select
                // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place
                key={i}
                label={header || t('housing.import.column', { n: i + 1 })}
                value={columns[i] ?? ''}
                data={[
                  { value: '', label: t('housing.import.skip') },
                  ...fields.map((value) => ({ value, label: t(`housing.import.field.${value}`) })),
                ]}
                onChange={(value) => {
                  const next = columns.map((field, at) => (at === i ? value || null : field === value ? null : field))
                  setColumns(next)
                  if (next.includes('number')) take.mutate({ file: picked.file, columns: next, dry_run: true })
                }}
              />
            ))}
          </div>
        </Section>
      )}

      {picked && report && (
        <Section title={t(isDone ? 'housing.import.outcome' : 'housing.import.check')}>
          <div role="status" data-testid="report">
            <Text>{t('housing.import.rows', { count: report.rows })}</Text>
            <Text>{t('housing.import.created', report.created)}</Text>
            {report.unchanged > 0 && <Text>{t('housing.import.unchanged', { count: report.unchanged })}</Text>}
          </div>
          {report.faulty > 0 && <Faulty errors={report.errors} faulty={report.faulty} lines={picked.lines} />}
          {!isDone && (
            <Group>
              <Button
                size="lg"
                loading={take.isPending}
                onClick={() => take.mutate({ file: picked.file, columns, dry_run: false })}
              >
                {t(report.faulty ? 'housing.import.take_good' : 'housing.import.take')}
              </Button>
            </Group>
          )}
          {isDone && (
            <Alert color="green" icon={<IconCheck aria-hidden />} title={t('housing.import.done')}>
              <Link to={`/admin/houses/${house.id}/flats`} className={classes.back}>
                {t('housing.import.to_flats')}
              </Link>
            </Alert>
          )}
        </Section>
      )}
    </Stack>
  )
}

type FaultyProps = {
  errors: { line: number; field: string | null; message: string }[]
  faulty: number
  lines: string[]
}

/** The faulty rows as they stand in the file, each beside what is wrong with it. */
function Faulty({ errors, faulty, lines }: FaultyProps) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  return (
    <>
      <Text fw={600} c="var(--mantine-color-error)">
        {t('housing.import.faulty', { count: faulty })}
      </Text>
      <Wide label={t('housing.import.faulty', { count: faulty })}>
        <Table verticalSpacing="sm" miw={560}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th ta="right">{t('housing.import.line')}</Table.Th>
              <Table.Th>{t('housing.import.row')}</Table.Th>
              <Table.Th>{t('housing.import.fault')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {errors.map(({ line, message }) => (
              <Table.Tr key={line}>
                <Table.Th scope="row" ta="right">
                  {format.number(line)}
                </Table.Th>
                <Table.Td className={classes.fileRow}>{lines[line - 1]}</Table.Td>
                <Table.Td>{message}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
      {errors.length < faulty && <Text c="dimmed">{t('housing.run.and_more', { count: faulty - errors.length })}</Text>}
    </>
  )
}
