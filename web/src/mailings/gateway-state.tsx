import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Section } from '../ui/section.tsx'
import { useMailingsFormat } from './format.ts'
import classes from './mailings.module.css'
import { mailingQueries } from './queries.ts'

/** Whether the gateway answers, and how fast. */
export function GatewayState() {
  const { t } = useTranslation()
  const { number } = useMailingsFormat()
  const { data } = useQuery(mailingQueries.gateway(true))
  if (!data) return null
  const { sandbox, breaker, in_flight, latency_ms, rate } = data
  return (
    <Section title={t('mailings.gateway.title')}>
      <div className={classes.gateway} role="status">
        <span className={classes.lamp} data-state={breaker} aria-hidden />
        {t(sandbox ? 'mailings.gateway.sandbox' : `mailings.gateway.${breaker}`)}
      </div>
      <Text size="sm" c="dimmed">
        {t('mailings.gateway.in_flight', { number: number(in_flight) })}
        {rate !== null && (
          <>
            <br />
            {t('mailings.gateway.rate', { number: number(rate) })}
          </>
        )}
        {latency_ms && (
          <>
            <br />
            {t('mailings.gateway.latency', {
              p50: number(Math.round(latency_ms.p50)),
              p95: number(Math.round(latency_ms.p95)),
            })}
          </>
        )}
      </Text>
    </Section>
  )
}
