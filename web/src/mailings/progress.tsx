import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import desk from '../ui/desk.module.css'
import { useMailingsFormat } from './format.ts'
import { useRate } from './live.ts'
import classes from './mailings.module.css'
import { type Mailing, messageStatuses } from './queries.ts'
import { CountsBar, percentDone } from './status.tsx'

/** How far a mailing is, how fast it goes and how long it will take; it goes on without this page. */
export function MailingProgress({ mailing }: { mailing: Mailing }) {
  const { t } = useTranslation()
  const format = useMailingsFormat()
  const rate = useRate(mailing)
  const { counts, status, paused_at, unreachable } = mailing
  const isRunning = status === 'running'
  return (
    <div className={classes.progress}>
      <Text role="status" fw={650} fz="xl">
        {counts.total === 0
          ? t(isRunning && !mailing.started_at ? 'mailings.live.collecting' : 'mailings.nobody')
          : t('mailings.live.done', { percent: percentDone(counts), total: format.number(counts.total) })}
      </Text>
      <CountsBar counts={counts} isLarge />
      <dl className={desk.figures} data-testid="counts">
        {messageStatuses.map((one) => (
          <div key={one}>
            <dt>
              <span className={classes.swatch} data-status={one} aria-hidden /> {t(`mailings.message.${one}`)}
            </dt>
            <dd data-testid={`count-${one}`}>{format.number(counts[one])}</dd>
          </div>
        ))}
      </dl>
      {isRunning && (
        <Text c="dimmed">
          {paused_at === null && rate > 0
            ? t('mailings.live.rate', {
                rate: format.number(rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate)),
                left: format.left(counts.processing / rate),
              })
            : paused_at === null && counts.processing > 0 && t('mailings.live.waiting')}{' '}
          {t('mailings.live.safe')}
        </Text>
      )}
      {unreachable > 0 && (
        <Text size="sm" c="dimmed">
          {t('mailings.compose.left.unreachable', { count: unreachable, number: format.number(unreachable) })}
        </Text>
      )}
    </div>
  )
}
