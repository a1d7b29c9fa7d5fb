import { useTranslation } from 'react-i18next'
import { useMailingsFormat } from './format.ts'
import classes from './mailings.module.css'
import { openSpans } from './open-spans.ts'

type Props = {
  from: Date
  to: Date
  hours: { from: string; to: string } | null
  zones: string[]
}

/** When messages may leave: the window from start to end, and in it the hours of each time zone. */
export function TimeLine({ from, to, hours, zones }: Props) {
  const { t } = useTranslation()
  const format = useMailingsFormat()
  const span = to.getTime() - from.getTime()
  if (!(span > 0)) return null
  const placeOf = (instant: number) => `${((instant - from.getTime()) / span) * 100}%`
  return (
    <figure className={classes.timeLine}>
      <div className={classes.ends} aria-hidden>
        <span>
          {format.day(from.toISOString())}, {format.time(from.toISOString())}
        </span>
        <span>
          {format.day(to.toISOString())}, {format.time(to.toISOString())}
        </span>
      </div>
      {zones.map((zone) => {
        const spans = openSpans(from, to, hours, zone)
        const isNever = spans.length === 0
        return (
          <div key={zone} className={classes.zone}>
            {(hours || zones.length > 1) && <span className={classes.zoneName}>{zone}</span>}
            <div className={classes.lane} aria-hidden>
              {spans.map(([start, end]) => (
                <span
                  key={start}
                  className={classes.open}
                  style={{ left: placeOf(start), width: `${((end - start) / span) * 100}%` }}
                />
              ))}
            </div>
            {isNever && <span className={classes.never}>{t('mailings.compose.never')}</span>}
          </div>
        )
      })}
      <figcaption className={classes.caption}>
        {t(hours ? 'mailings.compose.line_hours' : 'mailings.compose.line', {
          span: format.span(from.toISOString(), to.toISOString()),
          ...hours,
        })}
      </figcaption>
    </figure>
  )
}
