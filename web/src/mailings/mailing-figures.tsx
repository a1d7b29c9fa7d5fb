import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Section } from '../ui/section.tsx'
import { Figures } from './figures.tsx'
import { useMailingsFormat } from './format.ts'
import { joinMinutes } from './minutes.ts'
import { type Mailing, mailingQueries } from './queries.ts'

/** What became of a mailing over time and by operator code. */
export function MailingFigures({ mailing }: { mailing: Mailing }) {
  const { t } = useTranslation()
  const format = useMailingsFormat()
  const { data } = useQuery(mailingQueries.figures(mailing.id, mailing.status === 'running'))
  if (!data) return null
  const minutes = joinMinutes(data.per_minute)
  const isOneDay = new Set(minutes.map(({ at }) => new Date(at).toDateString())).size < 2
  const nameOf = (at: number) => {
    const instant = new Date(at).toISOString()
    return isOneDay ? format.time(instant) : `${format.day(instant)}, ${format.time(instant)}`
  }
  const { p50, p95 } = data.latency_ms
  return (
    <>
      <Section title={t('mailings.live.over_time')}>
        <Figures
          what={t('mailings.live.time')}
          rows={minutes.map(({ at, ...counts }) => ({ name: nameOf(at), ...counts }))}
          kinds={['sent', 'error']}
          empty={t('mailings.live.nothing_yet')}
        />
        {p50 !== null && p95 !== null && (
          <Text size="sm" c="dimmed">
            {t('mailings.live.latency', {
              p50: format.number(Math.round(p50)),
              p95: format.number(Math.round(p95)),
              attempts: format.number(data.attempts),
            })}
          </Text>
        )}
      </Section>
      <Section title={t('mailings.live.by_operator')}>
        <Figures
          what={t('mailings.operator_code')}
          rows={data.by_operator
            .slice(0, 12)
            .map(({ operator_code, sent, error, expired }) => ({ name: operator_code, sent, error, expired }))}
          kinds={['sent', 'error', 'expired']}
          isLying
          empty={t('mailings.live.nothing_yet')}
        />
        {data.by_operator.length > 12 && (
          <Text size="sm" c="dimmed">
            {t('shell.and_more', { count: data.by_operator.length - 12 })}
          </Text>
        )}
      </Section>
    </>
  )
}
