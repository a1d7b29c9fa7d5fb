import { Skeleton, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import desk from '../ui/desk.module.css'
import { Section } from '../ui/section.tsx'
import { Empty, Failure } from '../ui/states.tsx'
import { Desk } from './desk.tsx'
import { Figures } from './figures.tsx'
import { useMailingsFormat } from './format.ts'
import classes from './mailings.module.css'
import { mailingQueries, messageStatuses } from './queries.ts'

/** All mailings in figures: does what is sent arrive, on which days, and at which operators does it not. */
export function Statistics() {
  const { t } = useTranslation()
  const format = useMailingsFormat()
  const statistics = useQuery(mailingQueries.statistics)
  const { data } = statistics
  const dayOf = (day: string) => format.day(`${day}T12:00:00`)
  return (
    <Desk title={t('mailings.statistics.title')} lead={t('mailings.statistics.lead')}>
      {statistics.isPending && <Skeleton height={420} radius="lg" />}
      {statistics.isError && !data && <Failure error={statistics.error} retry={statistics.refetch} />}
      {data?.mailings === 0 && <Empty title={t('mailings.list.none')}>{t('mailings.statistics.none_text')}</Empty>}
      {data && data.mailings > 0 && (
        <Stack gap="lg">
          <Section title={t('mailings.statistics.all')}>
            <dl className={desk.figures}>
              <div>
                <dt>{t('mailings.statistics.mailings')}</dt>
                <dd>{format.number(data.mailings)}</dd>
              </div>
              <div>
                <dt>{t('mailings.statistics.messages')}</dt>
                <dd>{format.number(data.messages.total)}</dd>
              </div>
              {messageStatuses.map((status) => (
                <div key={status}>
                  <dt>
                    <span className={classes.swatch} data-status={status} aria-hidden />{' '}
                    {t(`mailings.message.${status}`)}
                  </dt>
                  <dd>{format.number(data.messages[status])}</dd>
                </div>
              ))}
            </dl>
          </Section>
          <Section title={t('mailings.statistics.by_day')} text={t('mailings.statistics.by_day_text')}>
            <Figures
              what={t('mailings.statistics.day')}
              rows={data.by_day.map(({ day, sent, error }) => ({ name: dayOf(day), sent, error }))}
              kinds={['sent', 'error']}
              empty={t('mailings.live.nothing_yet')}
            />
          </Section>
          <Section title={t('mailings.live.by_operator')} text={t('mailings.statistics.by_operator_text')}>
            <Figures
              what={t('mailings.operator_code')}
              rows={data.by_operator
                .slice(0, 15)
                .map(({ operator_code, sent, error, expired }) => ({ name: operator_code, sent, error, expired }))}
              kinds={['sent', 'error', 'expired']}
              isLying
              empty={t('mailings.live.nothing_yet')}
            />
          </Section>
        </Stack>
      )}
    </Desk>
  )
}
