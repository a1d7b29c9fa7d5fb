import { Button, Group, Skeleton, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { plainAmount } from '../format.ts'
import desk from '../ui/desk.module.css'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useOnce } from '../ui/once.ts'
import { Section } from '../ui/section.tsx'
import { Failure } from '../ui/states.tsx'
import { useHousingFormat } from './format.ts'
import classes from './housing.module.css'
import { MeterHistory } from './meter-history.tsx'
import { type Apartment, homeQueries, type Kind, kinds, type Meter } from './queries.ts'
import { KindName } from './reading-card.tsx'

/** The meters of a flat: one that is replaced is ended, and the new one begins beside it. */
export function Meters({ flat, mayWrite }: { flat: Apartment; mayWrite: boolean }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const queries = useQueryClient()
  const once = useOnce()
  const [isNew, setNew] = useState(false)
  const [edited, setEdited] = useState<Meter>()
  const [shown, setShown] = useState<Meter>()
  const meters = useQuery(homeQueries.meters(flat.id))
  const done = () => queries.invalidateQueries({ queryKey: ['housing'] })
  return (
    <Section title={t('housing.meters.title')}>
      {meters.isPending && <Skeleton height={120} />}
      {meters.isError && !meters.data && <Failure error={meters.error} retry={meters.refetch} />}
      {meters.data?.results.length === 0 && <Text c="dimmed">{t('housing.meters.none')}</Text>}
      <ul className={desk.plain}>
        {meters.data?.results.map((meter) => (
          <li key={meter.id} className={classes.between}>
            <div>
              <KindName kind={meter.kind} serial={meter.serial} />
              <Text size="sm" c="dimmed">
                {t('housing.meters.installed', { day: format.day(meter.installed_on) })}
                {meter.removed_on && ` · ${t('housing.meters.removed', { day: format.day(meter.removed_on) })}`}
                {meter.last_reading &&
                  ` · ${format.month(meter.last_reading.month).toLowerCase()}: ${format.plainVolume(meter.last_reading.value)}`}
              </Text>
            </div>
            <Group gap={0}>
              <Button
                variant="subtle"
                aria-label={t('housing.history.of', { serial: meter.serial })}
                onClick={() => setShown(meter)}
              >
                {t('housing.history.open')}
              </Button>
              {mayWrite && (
                <Button
                  variant="subtle"
                  aria-label={t('housing.meters.edit', { serial: meter.serial })}
                  onClick={() => setEdited(meter)}
                >
                  {t('housing.edit')}
                </Button>
              )}
            </Group>
          </li>
        ))}
      </ul>
      {mayWrite && (
        <Group>
          <Button variant="default" leftSection={<IconPlus size={20} aria-hidden />} onClick={() => setNew(true)}>
            {t('housing.meters.new')}
          </Button>
        </Group>
      )}
      {shown && <MeterHistory meter={shown} onClose={() => setShown(undefined)} />}
      {isNew && (
        <FormDialog
          title={t('housing.meters.new')}
          action={t('housing.add')}
          initial={{ kind: 'cold_water', serial: '', installed_on: '', initial_value: '0', digits: '5' }}
          fields={[
            {
              name: 'kind',
              label: t('housing.meters.kind'),
              options: kinds.map((value) => ({ value, label: t(`housing.kind.${value}`) })),
            },
            { name: 'serial', label: t('housing.meters.serial') },
            { name: 'installed_on', label: t('housing.meters.installed_on'), type: 'date' },
            { name: 'initial_value', label: t('housing.meters.initial'), type: 'decimal' },
            {
              name: 'digits',
              label: t('housing.meters.digits'),
              type: 'digits',
              hint: t('housing.meters.digits_hint'),
            },
          ]}
          onClose={() => setNew(false)}
          onSend={async (values) => {
            const body = {
              ...values,
              kind: values.kind as Kind,
              initial_value: plainAmount(values.initial_value),
              digits: Number(values.digits),
            }
            await answer(
              api.POST('/api/apartments/{id}/meters', {
                params: { path: { id: flat.id } },
                headers: once.keyFor(body),
                body,
              }),
            )
            once.finish()
            await done()
          }}
        />
      )}
      {edited && (
        <FormDialog
          title={t('housing.meters.edit', { serial: edited.serial })}
          action={t('housing.save')}
          initial={{ serial: edited.serial, installed_on: edited.installed_on, removed_on: edited.removed_on ?? '' }}
          fields={[
            { name: 'serial', label: t('housing.meters.serial') },
            { name: 'installed_on', label: t('housing.meters.installed_on'), type: 'date' },
            {
              name: 'removed_on',
              label: t('housing.meters.removed_on'),
              type: 'date',
              hint: t('housing.meters.removed_hint'),
            },
          ]}
          onClose={() => setEdited(undefined)}
          onSend={async (values) => {
            const body = { ...values, removed_on: values.removed_on || null }
            await answer(api.PATCH('/api/meters/{id}', { params: { path: { id: edited.id } }, body }))
            await done()
          }}
        />
      )}
    </Section>
  )
}
