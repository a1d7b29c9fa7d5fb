import { Progress, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import desk from '../ui/desk.module.css'
import { useMailingsFormat } from './format.ts'
import classes from './mailings.module.css'
import { type Mailing, type MessageStatus, messageStatuses } from './queries.ts'

const tones = { scheduled: undefined, running: 'good', finished: 'quiet', cancelled: 'quiet' }

/** How a mailing stands, in a word. */
export function StatusChip({ mailing }: { mailing: Pick<Mailing, 'status' | 'paused_at'> }) {
  const { t } = useTranslation()
  const isPaused = mailing.paused_at !== null
  return (
    <span className={desk.chip} data-tone={isPaused ? undefined : tones[mailing.status]}>
      {t(isPaused ? 'mailings.status.paused' : `mailings.status.${mailing.status}`)}
    </span>
  )
}

type Counts = Mailing['counts']

/** How much of what is to be sent has come to its end: 0–100, and 100 only when all has. */
export const percentDone = ({ total, processing }: Counts) =>
  total ? Math.floor(((total - processing) / total) * 100) : 0

/** How many messages stand where: a bar to the eye, each with its own pattern, and the words beside it. */
export function CountsBar({ counts, isLarge }: { counts: Counts; isLarge?: boolean }) {
  const { t } = useTranslation()
  const { number } = useMailingsFormat()
  const shown = messageStatuses.filter((status) => counts[status] > 0)
  return (
    <div className={classes.counts}>
      <Progress.Root size={isLarge ? 20 : 10} className={classes.bar}>
        {(['sent', 'error', 'expired'] as const).map((status) => (
          <Progress.Section
            key={status}
            value={counts.total ? (counts[status] / counts.total) * 100 : 0}
            className={classes.section}
            data-status={status}
            aria-label={t('mailings.share', { what: t(`mailings.message.${status}`) })}
          />
        ))}
      </Progress.Root>
      {!isLarge && (
        <Text size="sm" component="div" className={classes.countWords}>
          {shown.map((status) => (
            <CountWords key={status} status={status} count={counts[status]} />
          ))}
          {counts.total === 0 && t('mailings.nobody')}
          {counts.total > 0 && (
            <span className={classes.ofAll}>{t('mailings.of_all', { all: number(counts.total) })}</span>
          )}
        </Text>
      )}
    </div>
  )
}

function CountWords({ status, count }: { status: MessageStatus; count: number }) {
  const { t } = useTranslation()
  const { number } = useMailingsFormat()
  return (
    <span className={classes.countWord}>
      <span className={classes.swatch} data-status={status} aria-hidden />
      {t(`mailings.message.${status}`)} <strong>{number(count)}</strong>
    </span>
  )
}
