import { SegmentedControl, Switch, Text, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import desk from '../ui/desk.module.css'
import { type Draft, instantOf } from './draft.ts'
import { TimeLine } from './time-line.tsx'

type When = Pick<Draft, 'begins' | 'starts_at' | 'ends_at' | 'hasHours' | 'from' | 'to'>
type Props = {
  when: When
  /** Of those who get it; the browser's own unless anybody is known. */
  zones: string[]
  faults: Map<string, string>
  /** It has begun: only its end and its hours can change. */
  hasBegun?: boolean
  onChange: (change: Partial<When>) => void
}

/** Whether a mailing would end before it begins, or has no end. */
export function isEnded({ begins, starts_at, ends_at }: Pick<When, 'begins' | 'starts_at' | 'ends_at'>): boolean {
  const begin = begins === 'now' ? Date.now() : Math.max(Date.now(), Date.parse(starts_at))
  return !(Date.parse(ends_at) > begin)
}

/** When a mailing begins and ends, in which hours of each person's day, and how that lies in time. */
export function WhenField({ when, zones, faults, hasBegun, onChange }: Props) {
  const { t } = useTranslation()
  const { begins, starts_at, ends_at, hasHours, from, to } = when
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone
  const begin = begins === 'now' ? new Date() : new Date(starts_at)
  const shown = [...new Set(zones.length ? zones : [own])].slice(0, 4)
  const wrong = isEnded(when)
    ? t(instantOf(ends_at) ? 'mailings.compose.ends_first' : 'mailings.compose.no_moment')
    : undefined
  return (
    <>
      {!hasBegun && (
        <SegmentedControl
          size="md"
          aria-label={t('mailings.compose.begin')}
          value={begins}
          onChange={(value) => onChange({ begins: value as When['begins'] })}
          data={[
            { value: 'now', label: t('mailings.compose.now') },
            { value: 'later', label: t('mailings.compose.later') },
          ]}
        />
      )}
      <div className={desk.pair}>
        {begins === 'later' && !hasBegun && (
          <TextInput
            type="datetime-local"
            label={t('mailings.compose.starts_at')}
            value={starts_at}
            error={faults.get('/starts_at')}
            onChange={(event) => onChange({ starts_at: event.currentTarget.value })}
          />
        )}
        <TextInput
          type="datetime-local"
          label={t('mailings.compose.ends_at')}
          value={ends_at}
          error={faults.get('/ends_at') ?? wrong}
          onChange={(event) => onChange({ ends_at: event.currentTarget.value })}
        />
      </div>
      <Text size="sm" c="dimmed">
        {t('mailings.compose.own_zone', { zone: own })}
      </Text>
      <Switch
        size="md"
        label={t('mailings.compose.hours')}
        description={t('mailings.compose.hours_hint')}
        checked={hasHours}
        onChange={(event) => onChange({ hasHours: event.currentTarget.checked })}
      />
      {hasHours && (
        <div className={desk.pair}>
          <TextInput
            type="time"
            label={t('mailings.compose.from')}
            value={from}
            error={faults.get('/local_window') ?? faults.get('/local_window/from')}
            onChange={(event) => onChange({ from: event.currentTarget.value })}
          />
          <TextInput
            type="time"
            label={t('mailings.compose.to')}
            value={to}
            error={faults.get('/local_window/to')}
            onChange={(event) => onChange({ to: event.currentTarget.value })}
          />
        </div>
      )}
      <TimeLine from={begin} to={new Date(ends_at)} hours={hasHours ? { from, to } : null} zones={shown} />
    </>
  )
}
