import { Button, Group, Paper, SegmentedControl, Text } from '@mantine/core'
import { IconDownload, IconRefresh } from '@tabler/icons-react'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import desk from '../ui/desk.module.css'
import { useOnce } from '../ui/once.ts'
import { done, tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import { phoneWords, useMailingsFormat } from './format.ts'
import { type Mailing, mailingQueries } from './queries.ts'

/** Who did not get a mailing, and why; those in error can be tried again. */
export function Undelivered({ mailing, mayWrite }: { mailing: Mailing; mayWrite: boolean }) {
  const { t } = useTranslation()
  const format = useMailingsFormat()
  const queries = useQueryClient()
  const once = useOnce()
  const { id, counts, status } = mailing
  const [chosen, setChosen] = useState<'error' | 'expired'>('error')
  const kind = counts[chosen] > 0 ? chosen : counts.error > 0 ? 'error' : 'expired'
  const messages = useInfiniteQuery({
    ...mailingQueries.messages(id, kind),
    enabled: counts[kind] > 0,
    // New ones are looked at now and then, not with each event.
    refetchInterval: status === 'running' ? 10_000 : false,
  })
  const rows = messages.data?.pages.flatMap((page) => page.results) ?? []
  const retry = useMutation({
    mutationFn: () =>
      answer(
        api.POST('/api/mailings/{id}/retry', { params: { path: { id } }, headers: once.keyFor({ id, retry: true }) }),
      ),
    onSuccess: ({ count }) => done(t('mailings.undelivered.again', { count, number: format.number(count) })),
    onError: (error) => tell(error),
    onSettled: () => {
      once.finish()
      return queries.invalidateQueries({ queryKey: ['mailings'] })
    },
  })
  const mayRetry = mayWrite && counts.error > 0 && status !== 'cancelled' && Date.parse(mailing.ends_at) > Date.now()
  if (counts.error + counts.expired === 0) return null
  return (
    <Section title={t('mailings.undelivered.title')}>
      <Group justify="space-between">
        {counts.error > 0 && counts.expired > 0 ? (
          <SegmentedControl
            size="md"
            aria-label={t('mailings.undelivered.title')}
            value={kind}
            onChange={(value) => setChosen(value as typeof chosen)}
            data={(['error', 'expired'] as const).map((value) => ({
              value,
              label: `${t(`mailings.message.${value}`)} ${format.number(counts[value])}`,
            }))}
          />
        ) : (
          <Text fw={600}>
            {t(`mailings.message.${kind}`)} {format.number(counts[kind])}
          </Text>
        )}
        <Group gap="sm">
          <Button
            component="a"
            variant="default"
            download
            href={`/api/mailings/${id}/messages.csv?bom=true`}
            leftSection={<IconDownload size={20} aria-hidden />}
          >
            {t('mailings.undelivered.csv')}
          </Button>
          {mayRetry && (
            <Button
              variant={status === 'running' ? 'default' : 'filled'}
              leftSection={<IconRefresh size={20} aria-hidden />}
              loading={retry.isPending}
              onClick={() => retry.mutate()}
            >
              {t('mailings.undelivered.retry')}
            </Button>
          )}
        </Group>
      </Group>
      {rows.length > 0 && (
        <Paper withBorder component="ul" className={desk.list}>
          {rows.map((message) => (
            <li key={message.id} className={desk.row}>
              <div className={desk.grow}>
                <Text fw={600}>{phoneWords(message.phone)}</Text>
                <Text size="sm" c="dimmed">
                  {[
                    message.last_error,
                    message.attempts > 0 && t('mailings.undelivered.attempts', { count: message.attempts }),
                  ]
                    .filter(Boolean)
                    .join(' · ')}
                </Text>
              </div>
            </li>
          ))}
        </Paper>
      )}
      {messages.hasNextPage && (
        <Group justify="center">
          <Button variant="default" loading={messages.isFetchingNextPage} onClick={() => messages.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Group>
      )}
    </Section>
  )
}
