import { ActionIcon, Button, Code, Group, Paper, SimpleGrid, Skeleton, Stack, Table, Text, Title } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useProfile } from '../accounts/queries.ts'
import { answer, api } from '../api.ts'
import { useFormat } from '../format.ts'
import { Page } from '../ui/page.tsx'
import { Pager } from '../ui/pager.tsx'
import { done, tell } from '../ui/problems.ts'
import { useQueryState } from '../ui/query-state.ts'
import { Empty, Failure } from '../ui/states.tsx'
import { platformQueries } from './queries.ts'

export function Jobs() {
  const { t } = useTranslation()
  const { moment, number } = useFormat()
  const { page, set } = useQueryState()
  const { data: profile } = useProfile()
  const queries = useQueryClient()
  const jobs = useQuery({ ...platformQueries.jobs(page), placeholderData: keepPreviousData })
  const onSuccess = () => {
    done(t('platform.jobs.retried'))
    return queries.invalidateQueries({ queryKey: ['platform', 'jobs'] })
  }
  const onError = (error: Error) => tell(error)
  const retry = useMutation({
    mutationFn: (id: string) => answer(api.POST('/api/admin/jobs/{id}/retry', { params: { path: { id } } })),
    onSuccess,
    onError,
  })
  const retryAll = useMutation({
    mutationFn: (queue: string) => answer(api.POST('/api/admin/jobs/retry', { body: { queue } })),
    onSuccess,
    onError,
  })

  return (
    <Page title={t('platform.jobs.title')} lead={t('platform.jobs.lead')}>
      {jobs.isPending && <Skeleton height={420} radius="lg" />}
      {jobs.isError && <Failure error={jobs.error} retry={jobs.refetch} />}
      {jobs.data && (
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
          <Stack>
            <Title order={2}>{t('platform.jobs.queues')}</Title>
            <Paper withBorder p="xs">
              <Table verticalSpacing="sm" horizontalSpacing={6}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('platform.jobs.queue')}</Table.Th>
                    <Table.Th ta="right">{t('platform.jobs.waiting')}</Table.Th>
                    <Table.Th ta="right">{t('platform.jobs.active')}</Table.Th>
                    <Table.Th ta="right">{t('platform.jobs.failed')}</Table.Th>
                    {profile?.role === 'admin' && <Table.Td />}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {jobs.data.queues.map((queue) => (
                    <Table.Tr key={queue.name}>
                      <Table.Td style={{ overflowWrap: 'anywhere' }}>{queue.title}</Table.Td>
                      <Table.Td ta="right">{number(queue.waiting)}</Table.Td>
                      <Table.Td ta="right">{number(queue.active)}</Table.Td>
                      <Table.Td ta="right" c={queue.failed ? 'red' : undefined}>
                        {number(queue.failed)}
                      </Table.Td>
                      {profile?.role === 'admin' && (
                        <Table.Td w={48}>
                          {queue.failed > 0 && (
                            <ActionIcon
                              variant="subtle"
                              size="lg"
                              aria-label={t('platform.jobs.retry_all', { queue: queue.title })}
                              loading={retryAll.isPending && retryAll.variables === queue.name}
                              onClick={() => retryAll.mutate(queue.name)}
                            >
                              <IconRefresh size={20} />
                            </ActionIcon>
                          )}
                        </Table.Td>
                      )}
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Paper>
          </Stack>
          <Stack>
            <Title order={2}>{t('platform.jobs.failed_jobs')}</Title>
            {jobs.data.results.length === 0 && (
              <Empty title={t('platform.jobs.none')}>{t('platform.jobs.none_text')}</Empty>
            )}
            {jobs.data.results.map((job) => (
              <Paper key={job.id} withBorder p="md">
                <Stack gap="xs">
                  <Group justify="space-between" wrap="nowrap">
                    <Text fw={600}>{job.title}</Text>
                    <Text size="sm" c="dimmed">
                      {moment(job.failed_at)}
                    </Text>
                  </Group>
                  <Text c="red">{job.error ?? t('platform.jobs.no_reason')}</Text>
                  <Code block aria-label={t('platform.jobs.data')}>
                    {JSON.stringify(job.data, null, 1)}
                  </Code>
                  {profile?.role === 'admin' && (
                    <Group>
                      <Button
                        variant="light"
                        leftSection={<IconRefresh size={20} />}
                        loading={retry.isPending && retry.variables === job.id}
                        onClick={() => retry.mutate(job.id)}
                      >
                        {t('platform.jobs.retry')}
                      </Button>
                    </Group>
                  )}
                </Stack>
              </Paper>
            ))}
            <Pager count={jobs.data.count} size={20} page={page} onChange={(n) => set({ page: String(n) })} />
          </Stack>
        </SimpleGrid>
      )}
    </Page>
  )
}
