import { Button, Group, Progress, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { tell } from '../ui/problems.ts'
import { useHousingFormat } from './format.ts'
import type { Run } from './queries.ts'
import { staffQueries } from './staff-queries.ts'

/** Keeps a run as the server tells of it, until it is over. The stream resumes by itself. */
function useRunEvents(run: Run) {
  const queries = useQueryClient()
  const { id, house, month } = run
  useEffect(() => {
    const events = new EventSource(`/api/billing-runs/${id}/events`)
    const key = staffQueries.runs(house, month).queryKey
    // Where no stream comes through, it is asked now and then.
    const ask = setInterval(() => void queries.invalidateQueries({ queryKey: key }), 10_000)
    events.onmessage = ({ data }) => {
      const now = JSON.parse(data) as Run
      queries.setQueryData(key, (old) =>
        old ? { ...old, results: old.results.map((r) => (r.id === now.id ? now : r)) } : old,
      )
      if (!now.finished_at) return
      events.close()
      void queries.invalidateQueries({ queryKey: ['housing'] })
    }
    return () => {
      clearInterval(ask)
      events.close()
    }
  }, [queries, id, house, month])
}

/** How far a run is, how fast it goes and how long it will take; it goes on without this page. */
export function RunProgress({ run, mayWrite }: { run: Run; mayWrite: boolean }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const queries = useQueryClient()
  const began = useRef({ at: performance.now(), processed: run.processed })
  useRunEvents(run)
  const seconds = (performance.now() - began.current.at) / 1000
  const rate = seconds > 0 ? (run.processed - began.current.processed) / seconds : 0
  const stop = useMutation({
    mutationFn: () => answer(api.POST('/api/billing-runs/{id}/cancel', { params: { path: { id: run.id } } })),
    onError: (error) => tell(error),
    onSettled: () => queries.invalidateQueries({ queryKey: ['housing', 'runs', run.house] }),
  })
  const percent = Math.floor(run.progress * 100)
  return (
    <Stack gap="sm">
      <Text role="status" fw={600}>
        {run.status === 'queued'
          ? t('housing.run.queued')
          : t('housing.run.processed', { done: format.number(run.processed), total: format.number(run.total) })}
      </Text>
      <Progress.Root size="lg">
        <Progress.Section value={percent} aria-label={t('housing.run.progress')} />
      </Progress.Root>
      <Group justify="space-between">
        <Text c="dimmed">
          {rate > 0 &&
            t('housing.run.rate', {
              rate: format.number(Math.round(rate)),
              left: format.number(Math.ceil((run.total - run.processed) / rate)),
            })}
        </Text>
        {mayWrite && (
          <Button variant="default" loading={stop.isPending} onClick={() => stop.mutate()}>
            {t('housing.run.stop')}
          </Button>
        )}
      </Group>
      <Text size="sm" c="dimmed">
        {t('housing.run.safe')}
      </Text>
    </Stack>
  )
}
