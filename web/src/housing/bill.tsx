import { Alert, Button, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconArrowLeft, IconQrcode } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { Problem } from '../api.ts'
import desk from '../ui/desk.module.css'
import { Page } from '../ui/page.tsx'
import { Failure, NotFound } from '../ui/states.tsx'
import { differencesOf } from './differences.ts'
import { useHousingFormat } from './format.ts'
import classes from './housing.module.css'
import { addMonths } from './months.ts'
import { type Bill, billQueries, homeQueries } from './queries.ts'

/** A bill: each line with its formula, what changed since the month before and why, and the PDF with its QR code. */
export function BillPage() {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const { data: profile } = useProfile()
  const detail = useQuery(billQueries.bill(Number(useParams().id)))
  const bill = detail.data
  const flat = useQuery({ ...homeQueries.flat(bill?.apartment ?? 0), enabled: bill !== undefined })
  if (detail.error instanceof Problem && detail.error.status === 404) return <NotFound />
  if (detail.isError && !bill) return <Failure order={1} error={detail.error} retry={detail.refetch} />
  if (!bill) return <Skeleton height={520} radius="lg" />
  const isMine = flat.data?.residents.some((person) => person.id === profile?.id) ?? true
  const back = isMine ? `/flat/${bill.apartment}/bills` : `/admin/flats/${bill.apartment}`
  return (
    <Page
      title={t('housing.bill.title', { month: format.month(bill.month).toLowerCase() })}
      lead={
        <>
          {t('housing.flat', { number: bill.number })}
          {bill.revision > 1 && ` · ${t('housing.bill.revision', { n: bill.revision })}`}
          {!bill.published_at && ` · ${t('housing.bill.unpublished')}`}
        </>
      }
      width={760}
    >
      {bill.issues.length > 0 && (
        <Alert color="yellow" title={t('housing.bill.incomplete')}>
          <ul className={desk.plain}>
            {bill.issues.map((issue) => (
              <li key={`${issue.code} ${issue.service} ${issue.meter ?? ''} ${issue.month ?? ''}`}>{issue.message}</li>
            ))}
          </ul>
        </Alert>
      )}
      <Paper withBorder component="section" aria-label={t('housing.bill.lines')}>
        <ul className={desk.list}>
          {bill.lines.map((line, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines of a bill never change
            <BillLine key={i} line={line} />
          ))}
          {Number(bill.opening_balance) !== 0 && (
            <li className={desk.row}>
              <div className={desk.grow}>
                {t(bill.opening_balance.startsWith('-') ? 'housing.bill.ahead' : 'housing.bill.opening')}
              </div>
              <span className={classes.end}>{format.money(bill.opening_balance)}</span>
            </li>
          )}
        </ul>
        <div className={classes.total}>
          <Text fw={650} component="span">
            {t('housing.bills.to_pay')}
          </Text>
          <span className={classes.sum} data-testid="to-pay">
            {format.money(bill.to_pay)}
          </span>
        </div>
      </Paper>
      <Button
        component="a"
        href={`/api/bills/${bill.id}/pdf`}
        target="_blank"
        rel="noreferrer"
        size="lg"
        leftSection={<IconQrcode size={22} aria-hidden />}
      >
        {t('housing.bill.pdf')}
      </Button>
      <Changes bill={bill} />
      <Link to={back} className={desk.back}>
        <IconArrowLeft size={20} aria-hidden />
        {t(isMine ? 'housing.bill.back' : 'housing.bill.back_flat')}
      </Link>
    </Page>
  )
}

function BillLine({ line }: { line: Bill['lines'][number] }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const { meter, method } = line
  return (
    <li className={desk.row}>
      <div className={desk.grow}>
        <Text fw={600}>{t(`housing.service.${line.service}`)}</Text>
        {line.unit && <Text className={classes.formula}>{line.formula}</Text>}
        {line.reason && <Text size="sm">{line.reason}</Text>}
        {meter && (
          <Text size="sm" c="dimmed">
            {t('housing.meter_number', { serial: meter.serial })}
            {meter.previous !== null &&
              meter.current !== null &&
              ` · ${t('housing.bill.values', { from: format.plainVolume(meter.previous), to: format.plainVolume(meter.current) })}`}
          </Text>
        )}
        {(method === 'average' || method === 'norm') && (
          <span className={desk.chip}>{t(`housing.method.${method}`)}</span>
        )}
        {Number(line.carried) !== 0 && (
          <Text size="sm" c="dimmed">
            {t('housing.bill.carried', { volume: format.volume(line.carried.replace('-', '')) })}
          </Text>
        )}
      </div>
      <span className={classes.end}>
        <Text fw={650} component="span">
          {format.money(line.amount)}
        </Text>
      </span>
    </li>
  )
}

/** What changed against the month before, and why. */
function Changes({ bill }: { bill: Bill }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const month = addMonths(bill.month, -1)
  const before = useQuery(billQueries.ofMonth(bill.apartment, month))
  if (before.isPending) return <Skeleton height={120} radius="lg" />
  if (!before.data) return null
  const differences = differencesOf(bill, before.data)
  return (
    <Stack gap="sm" component="section">
      <div>
        <Title order={2}>{t('housing.bill.changes')}</Title>
        <Text c="dimmed">{t('housing.bill.against', { month: format.month(month).toLowerCase() })}</Text>
      </div>
      {differences.length === 0 && <Text c="dimmed">{t('housing.bill.same')}</Text>}
      {differences.length > 0 && (
        <Paper withBorder component="ul" className={desk.list}>
          {differences.map(({ service, amount, cause, quantity, price }) => {
            const more = quantity.startsWith('-') ? 'less' : 'more'
            const volume = (service === 'maintenance' ? format.area : format.volume)(quantity.replace('-', ''))
            const prices = { from: format.price(price[0]), to: format.price(price[1]) }
            return (
              <li key={service} className={desk.row}>
                <div className={desk.grow}>
                  <Text fw={600}>{t(`housing.service.${service}`)}</Text>
                  <Text size="sm" c="dimmed">
                    {(cause === 'volume' || cause === 'both') && t(`housing.bill.${more}`, { volume })}
                    {cause === 'both' && ', '}
                    {(cause === 'price' || cause === 'both') && t('housing.bill.price', prices)}
                    {(cause === 'new' || cause === 'gone' || cause === 'other') && t(`housing.bill.${cause}`)}
                  </Text>
                </div>
                <span className={classes.end}>{format.change(amount)}</span>
              </li>
            )
          })}
        </Paper>
      )}
    </Stack>
  )
}
