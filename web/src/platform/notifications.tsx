import { Button, Center, Paper, Skeleton, Stack, Switch, Text, Title } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { Page } from '../ui/page.tsx'
import { tell } from '../ui/problems.ts'
import { Empty, Failure } from '../ui/states.tsx'
import classes from './home.module.css'
import { NotificationRow } from './notification-row.tsx'
import { platformQueries } from './queries.ts'

/** All that a person was told; what is seen here is read. Below it, which of it comes by mail. */
export function Notifications() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const told = useInfiniteQuery(platformQueries.notifications)
  const rows = told.data?.pages.flatMap((page) => page.results)
  const newest = rows?.[0]?.id
  const unread = told.data?.pages[0]?.unread ?? 0
  const read = useMutation({
    mutationFn: (until: number) => answer(api.POST('/api/notifications/read', { body: { until } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: platformQueries.unread.queryKey }),
  })
  const { mutate } = read
  useEffect(() => {
    if (newest !== undefined && unread > 0) mutate(newest)
  }, [newest, unread, mutate])

  return (
    <Page title={t('home.notifications.title')} width={760}>
      {told.isPending && <Skeleton height={320} radius="lg" />}
      {told.isError && !rows && <Failure error={told.error} retry={told.refetch} />}
      {rows?.length === 0 && <Empty title={t('home.notifications.empty')}>{t('home.notifications.empty_text')}</Empty>}
      {rows && rows.length > 0 && (
        <Paper withBorder component="ul" className={classes.told}>
          {rows.map((row) => (
            <NotificationRow key={row.id} told={row} />
          ))}
        </Paper>
      )}
      {told.hasNextPage && (
        <Center>
          <Button variant="default" loading={told.isFetchingNextPage} onClick={() => told.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
      <LetterKinds />
    </Page>
  )
}

/** Which kinds of letters a person gets. */
function LetterKinds() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const kinds = useQuery(platformQueries.letterKinds)
  const choose = useMutation({
    mutationFn: (body: { kind: string; letter: boolean }) => answer(api.PATCH('/api/profile/letters', { body })),
    onSuccess: (now) => queries.setQueryData(platformQueries.letterKinds.queryKey, now),
    onError: (error) => tell(error),
  })
  if (!kinds.data?.results.length) return null
  return (
    <Stack gap="md" component="section">
      <Stack gap={4}>
        <Title order={2}>{t('home.notifications.letters')}</Title>
        <Text c="dimmed">{t('home.notifications.letters_text')}</Text>
      </Stack>
      <Paper withBorder p={{ base: 'md', sm: 'lg' }}>
        <Stack gap="md">
          {kinds.data.results.map(({ kind, title, letter }) => (
            <Switch
              key={kind}
              size="md"
              label={title}
              checked={letter}
              disabled={choose.isPending}
              onChange={(event) => choose.mutate({ kind, letter: event.currentTarget.checked })}
            />
          ))}
        </Stack>
      </Paper>
    </Stack>
  )
}
