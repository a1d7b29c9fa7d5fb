import { Badge, Button, Group, Skeleton, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { useFormat } from '../format.ts'
import { Confirm } from '../ui/confirm.tsx'
import { done, tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import { Failure } from '../ui/states.tsx'
import { accountQueries } from './queries.ts'

/** Where the person is signed in, and how to end it there. */
export function Sessions() {
  const { t } = useTranslation()
  const { ago } = useFormat()
  const queries = useQueryClient()
  const [asked, setAsked] = useState(false)
  const sessions = useQuery(accountQueries.sessions)
  const ended = () => {
    setAsked(false)
    done(t('accounts.sessions.ended'))
    return queries.invalidateQueries({ queryKey: accountQueries.sessions.queryKey })
  }
  const end = useMutation({
    mutationFn: (id: number) => answer(api.DELETE('/api/profile/sessions/{id}', { params: { path: { id } } })),
    onSuccess: ended,
    onError: (error) => tell(error),
  })
  const endOthers = useMutation({
    mutationFn: () => answer(api.DELETE('/api/profile/sessions')),
    onSuccess: ended,
    onError: (error) => tell(error),
  })
  const others = sessions.data?.results.some((login) => !login.current)

  return (
    <Section title={t('accounts.sessions.title')} text={t('accounts.sessions.text')}>
      {sessions.isPending && <Skeleton height={44} />}
      {sessions.isError && <Failure error={sessions.error} retry={sessions.refetch} />}
      {sessions.data?.results.map(({ id, device, address, last_used_at, current }) => (
        <Group key={id} justify="space-between" wrap="nowrap">
          <Stack gap={0} miw={0}>
            <Group gap={8}>
              <Text fw={550}>{device ?? t('accounts.sessions.unknown')}</Text>
              {current && <Badge variant="light">{t('accounts.sessions.current')}</Badge>}
            </Group>
            <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {[address, t('accounts.sessions.used', { ago: ago(last_used_at) })].filter(Boolean).join(' · ')}
            </Text>
          </Stack>
          {!current && (
            <Button
              variant="light"
              color="red"
              flex="none"
              loading={end.isPending && end.variables === id}
              aria-label={t('accounts.sessions.end_of', { device: device ?? t('accounts.sessions.unknown') })}
              onClick={() => end.mutate(id)}
            >
              {t('accounts.sessions.end')}
            </Button>
          )}
        </Group>
      ))}
      {others && (
        <Button variant="default" style={{ alignSelf: 'flex-start' }} onClick={() => setAsked(true)}>
          {t('accounts.sessions.end_others')}
        </Button>
      )}
      <Confirm
        opened={asked}
        title={t('accounts.sessions.others_title')}
        action={t('accounts.sessions.end')}
        busy={endOthers.isPending}
        onConfirm={() => endOthers.mutate()}
        onClose={() => setAsked(false)}
      >
        {t('accounts.sessions.others_text')}
      </Confirm>
    </Section>
  )
}
