import { Button, Group, Progress, Stack, Text } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { answer, api } from '../api.ts'
import { useOrganisation } from '../platform/queries.ts'
import { Confirm } from '../ui/confirm.tsx'
import desk from '../ui/desk.module.css'
import { useOnce } from '../ui/once.ts'
import { Page } from '../ui/page.tsx'
import { tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import { Failure, Waiting } from '../ui/states.tsx'
import { useHousingFormat } from './format.ts'
import { MonthField, useMonth } from './month-field.tsx'
import { addMonths, monthIn } from './months.ts'
import { useMayWrite } from './staff.ts'
import { staffQueries } from './staff-queries.ts'

const states = ['completed', 'running', 'queued', 'failed', 'cancelled'] as const

/** The bills of a month for every house at once, and how far they are. */
export function TownRun() {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const mayWrite = useMayWrite()
  const { data: organisation } = useOrganisation()
  const month = useMonth(addMonths(monthIn(organisation?.timezone ?? 'UTC'), -1))
  const progress = useQuery(staffQueries.town(month))
  const now = progress.data
  const active = now ? (now.statuses.queued ?? 0) + (now.statuses.running ?? 0) > 0 : false
  useTownEvents(month, active)
  return (
    <Page title={t('housing.town.title')} lead={t('housing.town.lead')} width={760}>
      <Group>
        <MonthField month={month} />
      </Group>
      {progress.isPending && <Waiting />}
      {progress.isError && !now && <Failure error={progress.error} retry={progress.refetch} />}
      {now && (
        <Section title={format.month(month)}>
          {now.houses === 0 ? (
            <Text c="dimmed">{t('housing.town.none')}</Text>
          ) : (
            <Stack gap="sm">
              <Text role="status" fw={600}>
                {t('housing.town.processed', {
                  done: format.number(now.processed),
                  total: format.number(now.total),
                  houses: format.number(now.houses),
                })}
              </Text>
              <Progress.Root size="lg">
                <Progress.Section value={Math.floor(now.progress * 100)} aria-label={t('housing.run.progress')} />
              </Progress.Root>
              <dl className={desk.figures}>
                <div>
                  <dt>{t('housing.run.amount')}</dt>
                  <dd>{format.money(now.amount)}</dd>
                </div>
                {states.map(
                  (state) =>
                    (now.statuses[state] ?? 0) > 0 && (
                      <div key={state}>
                        <dt>{t(`housing.town.status.${state}`)}</dt>
                        <dd>{format.number(now.statuses[state] ?? 0)}</dd>
                      </div>
                    ),
                )}
              </dl>
              {active && (
                <Text size="sm" c="dimmed">
                  {t('housing.run.safe')}
                </Text>
              )}
            </Stack>
          )}
          {(now.statuses.failed ?? 0) > 0 && <Failed month={month} />}
          {mayWrite && !active && <Start month={month} isAgain={now.houses > 0} />}
        </Section>
      )}
      <Link to="/admin/houses" className={desk.back}>
        <IconArrowLeft size={18} aria-hidden />
        {t('housing.houses.title')}
      </Link>
    </Page>
  )
}

/** Keeps the month as the server tells of it, while any run of it is under way. */
function useTownEvents(month: string, active: boolean) {
  const queries = useQueryClient()
  useEffect(() => {
    if (!active) return
    const { queryKey } = staffQueries.town(month)
    const events = new EventSource(`/api/billing-runs/events?month=${month}`)
    // Where no stream comes through, it is asked now and then.
    const ask = setInterval(() => void queries.invalidateQueries({ queryKey }), 10_000)
    events.onmessage = ({ data }) => queries.setQueryData(queryKey, JSON.parse(data))
    return () => {
      clearInterval(ask)
      events.close()
    }
  }, [queries, month, active])
}

function Start({ month, isAgain }: { month: string; isAgain: boolean }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const queries = useQueryClient()
  const once = useOnce()
  const [isAsked, setAsked] = useState(false)
  const start = useMutation({
    mutationFn: () => answer(api.POST('/api/billing-runs', { headers: once.keyFor({ month }), body: { month } })),
    onSuccess: () => once.finish(),
    onError: (error) => tell(error),
    onSettled: () => {
      setAsked(false)
      return queries.invalidateQueries({ queryKey: ['housing'] })
    },
  })
  return (
    <Group mt="md">
      <Button variant={isAgain ? 'default' : 'filled'} onClick={() => setAsked(true)}>
        {t(isAgain ? 'housing.run.again' : 'housing.run.start')}
      </Button>
      <Confirm
        opened={isAsked}
        title={t('housing.town.ask_title', { month: format.month(month).toLowerCase() })}
        action={t('housing.run.start')}
        busy={start.isPending}
        onConfirm={() => start.mutate()}
        onClose={() => setAsked(false)}
      >
        {t('housing.town.ask')}
      </Confirm>
    </Group>
  )
}

function Failed({ month }: { month: string }) {
  const { t } = useTranslation()
  const failed = useQuery(staffQueries.failed(month))
  return (
    <ul className={desk.plain}>
      {failed.data?.results.map((run) => (
        <li key={run.id}>
          <Link to={`/admin/houses/${run.house}/run?month=${month}`} className={desk.back}>
            {t('housing.tariffs.house', { id: run.house })}
          </Link>{' '}
          <Text span c="dimmed">
            {run.error}
          </Text>
        </li>
      ))}
    </ul>
  )
}
