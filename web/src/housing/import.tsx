import { Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link, useOutletContext } from 'react-router'
import { answer, api } from '../api.ts'
import { columnsQuery, fileBody } from '../ui/csv-file.tsx'
import desk from '../ui/desk.module.css'
import { ImportFile } from '../ui/import-file.tsx'
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
  return (
    <ImportFile
      title={t('housing.import.file')}
      text={t('housing.import.file_text')}
      sample={{ name: 'house.csv', text: sample }}
      fields={fields.map((value) => ({ value, label: t(`housing.import.field.${value}`) }))}
      needed="number"
      send={({ file, fields, dry_run }) =>
        answer(
          api.POST('/api/houses/{id}/import', {
            params: { path: { id: house.id }, query: { dry_run, ...columnsQuery(fields) } },
            ...fileBody(file),
          }),
        )
      }
      onDone={() => queries.invalidateQueries({ queryKey: ['housing'] })}
      summary={(report) => (
        <>
          <Text>{t('shell.file.rows', { count: report.rows })}</Text>
          <Text>{t('housing.import.created', report.created)}</Text>
          {report.unchanged > 0 && <Text>{t('housing.import.unchanged', { count: report.unchanged })}</Text>}
        </>
      )}
      next={
        <Link to={`/admin/houses/${house.id}/flats`} className={desk.back}>
          {t('housing.import.to_flats')}
        </Link>
      }
    />
  )
}
