import { Loader, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { phoneWords, useMailingsFormat } from './format.ts'
import classes from './mailings.module.css'
import type { Preview } from './preview-query.ts'

/** Those of the count whom nothing keeps from getting it. */
export const reached = ({ count, stopped, outside_window }: Preview) => Math.max(0, count - stopped - outside_window)

type Props = { preview: Preview | undefined; isBusy: boolean; shown: number; onShow: (index: number) => void }

/** How many get a mailing, ten of them, and who is left out and why. */
export function WhoGetsIt({ preview, isBusy, shown, onShow }: Props) {
  const { t } = useTranslation()
  const { number } = useMailingsFormat()
  if (!preview) return isBusy ? <Loader size="sm" aria-label={t('shell.loading')} /> : null
  const people = reached(preview)
  const left = (['stopped', 'outside_window', 'unreachable'] as const).filter((why) => preview[why] > 0)
  return (
    <div className={classes.whoGets} aria-busy={isBusy}>
      <div role="status">
        <Text fz="lg" fw={650} data-testid="reached">
          {t('mailings.compose.people', { count: people, number: number(people) })}
          {preview.parts &&
            people > 0 &&
            t('mailings.compose.up_to', {
              count: preview.parts.total,
              number: number(preview.parts.total),
            })}
        </Text>
        {left.length > 0 && (
          <ul className={classes.leftOut} aria-label={t('mailings.compose.left_out')}>
            {left.map((why) => (
              <li key={why}>
                {t(`mailings.compose.left.${why}`, { count: preview[why], number: number(preview[why]) })}
              </li>
            ))}
          </ul>
        )}
      </div>
      {preview.sample.length > 0 && (
        <details className={classes.samples}>
          <summary>{t('mailings.compose.samples', { count: preview.sample.length })}</summary>
          <ul className={classes.people}>
            {preview.sample.map((person, i) => (
              <li key={person.phone}>
                <button type="button" className={classes.somebody} aria-pressed={i === shown} onClick={() => onShow(i)}>
                  {phoneWords(person.phone)}
                  {person.tag && <span>{person.tag}</span>}
                </button>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  )
}
