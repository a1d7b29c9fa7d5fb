import { Alert, Button, Checkbox, Group, Paper, Skeleton, Stack, Text, TextInput } from '@mantine/core'
import { IconCheck, IconDroplet, IconFlame } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api, isAway, Problem } from '../api.ts'
import { useDraft } from '../ui/draft.ts'
import { useOnce } from '../ui/once.ts'
import { Failure } from '../ui/states.tsx'
import { useHousingFormat } from './format.ts'
import classes from './housing.module.css'
import { monthsBetween } from './months.ts'
import { homeQueries, type Kind, type Meter, type Reading } from './queries.ts'
import { ask, decimalOf, volumeOf } from './volumes.ts'

/** The kind of a meter with its sign. */
export function KindName({ kind, serial }: { kind: Kind; serial: string }) {
  const { t } = useTranslation()
  const Icon = kind === 'cold_water' ? IconDroplet : IconFlame
  return (
    <Group gap="sm" wrap="nowrap">
      <span className={classes.kind} data-kind={kind} aria-hidden>
        <Icon size={24} />
      </span>
      <div>
        <Text fw={650}>{t(`housing.kind.${kind}`)}</Text>
        <Text size="sm" c="dimmed">
          {t('housing.meter_number', { serial })}
        </Text>
      </div>
    </Group>
  )
}

type Props = { meter: Meter; month: string; price: string | undefined }

/** The reading of a meter for a month: a field, what it would come to, and what has to be asked about it. */
export function ReadingCard({ meter, month, price }: Props) {
  const readings = useQuery(homeQueries.readings(meter.id))
  if (readings.isPending) return <Skeleton height={240} radius="lg" />
  if (readings.isError) return <Failure error={readings.error} retry={readings.refetch} />
  // A card for each month: what was asked and answered for one says nothing of another.
  return <Card key={month} meter={meter} month={month} price={price} readings={readings.data} />
}

function Card({ meter, month, price, readings }: Props & { readings: Reading[] }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const queries = useQueryClient()
  const once = useOnce()
  const draft = useDraft(`reading-${meter.id}-${month}`)
  const [isRollover, setRollover] = useState(false)
  const [isSure, setSure] = useState(false)
  const [fault, setFault] = useState('')

  const kept = readings.find((reading) => reading.month === month)
  const last = readings.find((reading) => reading.month < month)
  const value = last?.value ?? meter.initial_value
  const text = draft.text ?? (kept ? format.fieldVolume(kept.value) : '')
  const typed = volumeOf(text)
  const isNew = !kept || (typed !== undefined && decimalOf(typed) !== kept.value)
  const monthsAgo = monthsBetween(last?.month ?? meter.installed_on.slice(0, 7), month) + (last ? 0 : 1)
  const asked =
    typed !== undefined && isNew
      ? ask(typed, { value, monthsAgo, digits: meter.digits, mean: meter.mean_volume })
      : undefined
  const mayCount = asked && (!asked.isBelow || isRollover)
  const mustAsk = mayCount && asked.isOdd && !isSure

  const send = useMutation({
    mutationFn: (value: string) => {
      const body = { value, rollover: isRollover && asked?.isBelow === true }
      if (kept) return answer(api.PATCH('/api/readings/{id}', { params: { path: { id: kept.id } }, body }))
      return answer(
        api.POST('/api/meters/{id}/readings', {
          params: { path: { id: meter.id } },
          headers: once.keyFor({ meter: meter.id, month, ...body }),
          body: { ...body, month },
        }),
      )
    },
    onSuccess: async () => {
      once.finish()
      await queries.invalidateQueries({ queryKey: ['housing', 'readings', meter.id] })
      draft.set(null)
      setRollover(false)
      setSure(false)
      await queries.invalidateQueries({ queryKey: ['housing', 'meters', meter.apartment] })
    },
    onError: (error) => {
      const problem = error instanceof Problem ? error : new Problem(-1)
      const words = problem.faults.map(({ message }) => message).join(' ') || problem.message
      setFault(isAway(problem) ? t('housing.readings.away') : words || t('shell.failure.other'))
    },
  })

  const type = (words: string) => {
    draft.set(words)
    setFault('')
    setRollover(false)
    setSure(false)
  }
  const submit = () => {
    if (typed === undefined) return setFault(t('housing.readings.no_number'))
    if (asked?.isBelow && !isRollover) return setFault(t('housing.readings.below'))
    if (isNew && !mustAsk) send.mutate(decimalOf(typed))
  }

  return (
    <Paper withBorder p={{ base: 'md', sm: 'lg' }} component="section" aria-label={t(`housing.kind.${meter.kind}`)}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <Stack gap="md">
          <Group justify="space-between" wrap="nowrap">
            <KindName kind={meter.kind} serial={meter.serial} />
            {kept && !isNew && (
              <span className={classes.sent}>
                <IconCheck size={18} aria-hidden /> {t('housing.readings.kept')}
              </span>
            )}
          </Group>
          <TextInput
            label={t('housing.readings.value', { month: format.month(month).toLowerCase() })}
            description={t(last ? 'housing.readings.was' : 'housing.readings.was_first', {
              value: format.plainVolume(value),
              month: last && format.month(last.month).toLowerCase(),
            })}
            inputWrapperOrder={['label', 'description', 'input', 'error']}
            classNames={{ input: classes.big }}
            inputMode="decimal"
            autoComplete="off"
            enterKeyHint="send"
            value={text}
            error={fault}
            errorProps={{ role: 'alert' }}
            onChange={(event) => type(event.currentTarget.value)}
          />
          {mayCount && (
            <Text className={classes.live} role="status">
              {t('housing.readings.more', { volume: format.volume(decimalOf(asked.volume)) })}
              {price && (
                <>
                  {' ≈ '}
                  <strong>{format.money(((Number(asked.volume) * Number(price)) / 1000).toFixed(2))}</strong>
                </>
              )}
            </Text>
          )}
          {asked?.isBelow && (
            <Checkbox
              size="md"
              classNames={{ body: classes.tall, label: classes.tallLabel }}
              label={t('housing.readings.rollover', { largest: '9'.repeat(meter.digits) })}
              checked={isRollover}
              onChange={(event) => {
                setRollover(event.currentTarget.checked)
                setFault('')
              }}
            />
          )}
          {mustAsk && (
            <Alert color="yellow" title={t('housing.readings.odd')} role="alert">
              <Stack gap="sm" align="start">
                {meter.mean_volume
                  ? t('housing.readings.odd_text', {
                      volume: format.volume(decimalOf(asked.volume)),
                      mean: format.volume(meter.mean_volume),
                    })
                  : t('housing.readings.odd_first', { volume: format.volume(decimalOf(asked.volume)) })}
                <Button variant="default" onClick={() => setSure(true)}>
                  {t('housing.readings.sure')}
                </Button>
              </Stack>
            </Alert>
          )}
          {isNew && (
            <Button type="submit" size="lg" fullWidth loading={send.isPending} disabled={mustAsk === true}>
              {t(kept ? 'housing.readings.correct' : 'housing.readings.send')}
            </Button>
          )}
        </Stack>
      </form>
    </Paper>
  )
}
