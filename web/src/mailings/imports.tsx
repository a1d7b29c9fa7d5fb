import { Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { answer, api } from '../api.ts'
import { columnsQuery, fileBody } from '../ui/csv-file.tsx'
import desk from '../ui/desk.module.css'
import { ImportFile } from '../ui/import-file.tsx'
import { Page } from '../ui/page.tsx'
import { useMailingsFormat } from './format.ts'

const clientsSample = `phone;tag;operator_code;timezone
79991234567;подъезд 2;999;Europe/Moscow
`
const stopsSample = `phone;reason
79991234567;просил не писать
`

function useSummary() {
  const { t } = useTranslation()
  const { number } = useMailingsFormat()
  return (report: { created: number; skipped: number }) => (
    <>
      <Text>{t('mailings.import.created', { count: report.created, number: number(report.created) })}</Text>
      {report.skipped > 0 && <Text>{t('mailings.import.skipped', { number: number(report.skipped) })}</Text>}
    </>
  )
}

/** Clients from a file. */
export function ImportClients() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const summary = useSummary()
  return (
    <Page title={t('mailings.import.clients')}>
      <ImportFile
        title={t('mailings.import.file')}
        text={t('mailings.import.clients_text')}
        sample={{ name: 'clients.csv', text: clientsSample }}
        fields={[
          { value: 'phone', label: t('mailings.phone') },
          { value: 'tag', label: t('mailings.tag') },
          { value: 'operator_code', label: t('mailings.operator_code') },
          { value: 'timezone', label: t('mailings.timezone') },
        ]}
        needed="phone"
        send={({ file, fields, dry_run }) =>
          answer(
            api.POST('/api/clients/import', {
              params: { query: { dry_run, ...columnsQuery(fields) } },
              ...fileBody(file),
            }),
          )
        }
        onDone={() => queries.invalidateQueries({ queryKey: ['mailings', 'clients'] })}
        summary={(report) => summary(report)}
        next={
          <Link to="/admin/mailings/clients" className={desk.back}>
            {t('mailings.import.to_clients')}
          </Link>
        }
      />
    </Page>
  )
}

/** Numbers never to be written to, from a file. */
export function ImportStops() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const summary = useSummary()
  return (
    <Page title={t('mailings.import.stops')}>
      <ImportFile
        title={t('mailings.import.file')}
        text={t('mailings.import.stops_text')}
        sample={{ name: 'stops.csv', text: stopsSample }}
        fields={[
          { value: 'phone', label: t('mailings.phone') },
          { value: 'reason', label: t('mailings.stops.reason') },
        ]}
        needed="phone"
        send={({ file, fields, dry_run }) =>
          answer(
            api.POST('/api/clients/stops/import', {
              params: { query: { dry_run, ...columnsQuery(fields) } },
              ...fileBody(file),
            }),
          )
        }
        onDone={() => queries.invalidateQueries({ queryKey: ['mailings'] })}
        summary={(report) => summary(report)}
        next={
          <Link to="/admin/mailings/stops" className={desk.back}>
            {t('mailings.import.to_stops')}
          </Link>
        }
      />
    </Page>
  )
}
