import { Modal, Skeleton, Stack, Text } from '@mantine/core'
import { useQueries, useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import desk from '../ui/desk.module.css'
import { Failure } from '../ui/states.tsx'
import { useHousingFormat } from './format.ts'
import { homeQueries, type Meter, type Reading } from './queries.ts'
import { staffQueries } from './staff-queries.ts'

/** The readings of a meter, month by month, and what each was before it was corrected, when and by whom. */
export function MeterHistory({ meter, onClose }: { meter: Meter; onClose: () => void }) {
  const { t } = useTranslation()
  const readings = useQuery(homeQueries.readings(meter.id))
  const corrected = (readings.data ?? []).filter(({ created_at, updated_at }) => updated_at > created_at)
  const changes = useQueries({ queries: corrected.map(({ id }) => staffQueries.changes(id)) })
  const changesOf = new Map(corrected.map(({ id }, i) => [id, changes[i]?.data?.results ?? []]))
  const error = readings.error ?? changes.find((one) => one.error)?.error
  return (
    <Modal
      opened
      size="lg"
      onClose={onClose}
      title={t('housing.history.title', { serial: meter.serial })}
      closeButtonProps={{ 'aria-label': t('shell.close') }}
    >
      {readings.isPending && <Skeleton height={200} />}
      {error && <Failure error={error} retry={readings.refetch} />}
      {readings.data?.length === 0 && <Text c="dimmed">{t('housing.history.none')}</Text>}
      <ul className={desk.plain}>
        {readings.data?.map((reading) => (
          <Line key={reading.id} reading={reading} changes={changesOf.get(reading.id) ?? []} />
        ))}
      </ul>
    </Modal>
  )
}

type Change = { id: number; value: string; full_name: string | null; changed_at: string }

function Line({ reading, changes }: { reading: Reading; changes: Change[] }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  return (
    <li>
      <Stack gap={2} py={6}>
        <Text>
          {format.month(reading.month)}: <b>{format.plainVolume(reading.value)}</b>{' '}
          <Text span c="dimmed" size="sm">
            {t(`housing.history.source.${reading.source}`)}, {format.moment(reading.created_at)}
          </Text>
        </Text>
        {changes.map((change) => (
          <Text key={change.id} size="sm" c="dimmed">
            {t('housing.history.was', {
              value: format.plainVolume(change.value),
              who: change.full_name ?? t('housing.history.nobody'),
              moment: format.moment(change.changed_at),
            })}
          </Text>
        ))}
      </Stack>
    </li>
  )
}
