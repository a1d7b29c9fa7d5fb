import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconDownload, IconFileText } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useOutletContext } from 'react-router'
import { answer, api } from '../api.ts'
import { Confirm } from '../ui/confirm.tsx'
import desk from '../ui/desk.module.css'
import { useOnce } from '../ui/once.ts'
import { done, tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import { Failure, Waiting } from '../ui/states.tsx'
import { useHousingFormat } from './format.ts'
import type { HouseContext } from './house.tsx'
import classes from './housing.module.css'
import { MonthField, useMonth } from './month-field.tsx'
import { addMonths, monthIn } from './months.ts'
import type { House, Run } from './queries.ts'
import { Comparison, Incomplete } from './run-outcome.tsx'
import { RunProgress } from './run-progress.tsx'
import { staffQueries } from './staff-queries.ts'

/** The bills of a month, step by step: check, compute, compare, publish. */
export function MonthlyRun() {
  const { t } = useTranslation()
  const { house, mayWrite } = useOutletContext<HouseContext>()
  const month = useMonth(addMonths(monthIn(house.timezone), -1))
  const runs = useQuery(staffQueries.runs(house.id, month))
  const all = runs.data?.results ?? []
  const active = all.find(({ status }) => status === 'queued' || status === 'running')
  const current = all.find((run) => run.current)
  const published = all.find((run) => run.published_at)
  const last = all[0]

  return (
    <Stack gap="lg">
      <Group>
        <MonthField month={month} />
      </Group>
      {runs.isPending && <Waiting />}
      {runs.isError && !runs.data && <Failure error={runs.error} retry={runs.refetch} />}
      {runs.data && (
        <ol className={classes.steps} key={month}>
          <li>
            <Check house={house} month={month} mayWrite={mayWrite} />
          </li>
          <li>
            <Section title={t('housing.run.compute')} text={t('housing.run.compute_text')}>
              {active ? (
                <RunProgress run={active} mayWrite={mayWrite} />
              ) : (
                <>
                  {last?.status === 'failed' && (
                    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={t('housing.run.failed')}>
                      {last.error}
                    </Alert>
                  )}
                  {last?.status === 'cancelled' && <Text c="dimmed">{t('housing.run.cancelled')}</Text>}
                  {current && <Figures run={current} />}
                  {mayWrite && <Start house={house} month={month} isAgain={current !== undefined} />}
                </>
              )}
            </Section>
          </li>
          <li>
            <Section title={t('housing.run.compare')} text={t('housing.run.compare_text')}>
              {current && !active ? (
                <>
                  <Incomplete run={current} />
                  <Comparison run={current} />
                </>
              ) : (
                <Text c="dimmed">{t('housing.run.later')}</Text>
              )}
            </Section>
          </li>
          <li>
            <Publish run={active ? undefined : current} published={published} mayWrite={mayWrite} />
          </li>
        </ol>
      )}
    </Stack>
  )
}

function Check({ house, month, mayWrite }: { house: House; month: string; mayWrite: boolean }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const preview = useMutation({
    mutationFn: () =>
      answer(
        api.POST('/api/houses/{id}/billing-runs/preview', { params: { path: { id: house.id } }, body: { month } }),
      ),
    onError: (error) => tell(error),
  })
  const found = preview.data
  return (
    <Section title={t('housing.run.check')} text={t('housing.run.check_text')}>
      {found && (
        <div role="status">
          <dl className={desk.figures}>
            <Figure name={t('housing.run.flats')} value={format.number(found.apartments)} />
            <Figure name={t('housing.run.amount')} value={format.money(found.amount)} />
            <Figure name={t('housing.run.incomplete')} value={format.number(found.incomplete)} />
            <Figure name={t('housing.run.missing')} value={format.number(found.missing_count)} />
          </dl>
        </div>
      )}
      <Group>
        {mayWrite && (
          <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate()}>
            {t('housing.run.preview')}
          </Button>
        )}
        {found && found.missing_count > 0 && (
          <Button
            component={Link}
            variant="light"
            to={`/admin/houses/${house.id}/readings?month=${month}&missing=true`}
          >
            {t('housing.run.enter')}
          </Button>
        )}
      </Group>
    </Section>
  )
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function Figures({ run }: { run: Run }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  return (
    <dl className={desk.figures} data-testid="run">
      <Figure name={t('housing.run.flats')} value={format.number(run.total)} />
      <Figure name={t('housing.run.amount')} value={format.money(run.amount)} />
      <Figure name={t('housing.run.incomplete')} value={format.number(run.incomplete)} />
      <Figure name={t('housing.run.skipped')} value={format.number(run.skipped)} />
    </dl>
  )
}

function Start({ house, month, isAgain }: { house: House; month: string; isAgain: boolean }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const once = useOnce()
  const start = useMutation({
    mutationFn: () =>
      answer(
        api.POST('/api/houses/{id}/billing-runs', {
          params: { path: { id: house.id } },
          headers: once.keyFor({ house: house.id, month }),
          body: { month },
        }),
      ),
    onSuccess: () => {
      once.finish()
      return queries.invalidateQueries({ queryKey: ['housing', 'runs', house.id] })
    },
    onError: (error) => {
      tell(error)
      return queries.invalidateQueries({ queryKey: ['housing', 'runs', house.id] })
    },
  })
  return (
    <Group>
      <Button loading={start.isPending} variant={isAgain ? 'default' : 'filled'} onClick={() => start.mutate()}>
        {t(isAgain ? 'housing.run.again' : 'housing.run.start')}
      </Button>
    </Group>
  )
}

type PublishProps = { run: Run | undefined; published: Run | undefined; mayWrite: boolean }

function Publish({ run, published, mayWrite }: PublishProps) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const queries = useQueryClient()
  const [isAsked, setAsked] = useState(false)
  const publish = useMutation({
    mutationFn: (id: number) => answer(api.POST('/api/billing-runs/{id}/publish', { params: { path: { id } } })),
    onSuccess: () => done(t('housing.run.published')),
    onError: (error) => tell(error),
    onSettled: () => {
      setAsked(false)
      return queries.invalidateQueries({ queryKey: ['housing'] })
    },
  })
  const shown = published ?? run
  return (
    <Section title={t('housing.run.publish')} text={t('housing.run.publish_text')}>
      {published && (
        <Text fw={600} role="status">
          {t('housing.run.published_at', { moment: format.moment(published.published_at ?? '') })}
        </Text>
      )}
      {published && run && run.id !== published.id && <Text>{t('housing.run.revised')}</Text>}
      {!shown && <Text c="dimmed">{t('housing.run.later')}</Text>}
      {shown && (
        <Group>
          {run && !published && mayWrite && (
            <Button size="lg" onClick={() => setAsked(true)}>
              {t('housing.run.publish_action')}
            </Button>
          )}
          <AllBills run={shown} mayWrite={mayWrite} />
          <Button
            component="a"
            variant="default"
            href={`/api/houses/${shown.house}/bills.csv?month=${shown.month}`}
            leftSection={<IconDownload size={20} aria-hidden />}
          >
            {t('housing.run.csv')}
          </Button>
        </Group>
      )}
      <Confirm
        opened={isAsked}
        title={t('housing.run.publish_title', { month: format.month(run?.month ?? '2026-01').toLowerCase() })}
        action={t('housing.run.publish_action')}
        busy={publish.isPending}
        onConfirm={() => run && publish.mutate(run.id)}
        onClose={() => setAsked(false)}
      >
        {run &&
          t('housing.run.publish_ask', {
            count: run.total,
            amount: format.money(run.amount),
            incomplete: run.incomplete,
          })}
      </Confirm>
    </Section>
  )
}

const soonMs = 1500

/** All bills as one PDF: a job makes it, and then it opens. */
function AllBills({ run, mayWrite }: { run: Run; mayWrite: boolean }) {
  const { t } = useTranslation()
  const [isAsked, setAsked] = useState(false)
  const file = useQuery({
    queryKey: ['housing', 'file', run.id],
    queryFn: () => answer(api.POST('/api/billing-runs/{id}/pdf', { params: { path: { id: run.id } } })),
    enabled: isAsked,
    refetchInterval: ({ state }) => (state.data?.ready || state.error ? false : soonMs),
  })
  if (file.data?.ready)
    return (
      <Button
        component="a"
        variant="default"
        href={`/api/billing-runs/${run.id}/pdf`}
        target="_blank"
        rel="noreferrer"
        leftSection={<IconFileText size={20} aria-hidden />}
      >
        {t('housing.run.open_pdf')}
      </Button>
    )
  if (!mayWrite) return null
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconFileText size={20} aria-hidden />}
        loading={isAsked && !file.isError}
        onClick={() => (isAsked ? void file.refetch() : setAsked(true))}
      >
        {t('housing.run.pdf')}
      </Button>
      {file.error && <Text c="var(--mantine-color-error)">{file.error.message}</Text>}
    </>
  )
}
