import { Button, Group, Skeleton, Stack, Text } from '@mantine/core'
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

export function Tokens() {
  const { t } = useTranslation()
  const { ago, date } = useFormat()
  const queries = useQueryClient()
  const [asked, setAsked] = useState<number>()
  const tokens = useQuery(accountQueries.tokens)
  const revoke = useMutation({
    mutationFn: (id: number) => answer(api.DELETE('/api/profile/tokens/{id}', { params: { path: { id } } })),
    onSuccess: () => {
      setAsked(undefined)
      done(t('accounts.profile.revoked'))
      return queries.invalidateQueries({ queryKey: accountQueries.tokens.queryKey })
    },
    onError: (error) => tell(error),
  })

  return (
    <Section title={t('accounts.profile.tokens')} text={t('accounts.profile.tokens_text')}>
      {tokens.isPending && <Skeleton height={44} />}
      {tokens.isError && <Failure error={tokens.error} retry={tokens.refetch} />}
      {tokens.data?.results.length === 0 && <Text c="dimmed">{t('accounts.profile.no_tokens')}</Text>}
      {tokens.data?.results.map((token) => (
        <Group key={token.id} justify="space-between" wrap="nowrap">
          <Stack gap={0}>
            <Text fw={550}>{t('accounts.profile.token', { id: token.id })}</Text>
            <Text size="sm" c="dimmed">
              {t('accounts.profile.token_made', { date: date(token.created_at) })},{' '}
              {token.last_used_at
                ? t('accounts.profile.token_used', { ago: ago(token.last_used_at) })
                : t('accounts.profile.token_unused')}
            </Text>
          </Stack>
          <Button variant="light" color="red" flex="none" onClick={() => setAsked(token.id)}>
            {t('accounts.profile.revoke')}
          </Button>
        </Group>
      ))}
      <Confirm
        opened={asked !== undefined}
        title={t('accounts.profile.revoke_title')}
        action={t('accounts.profile.revoke')}
        busy={revoke.isPending}
        onConfirm={() => asked && revoke.mutate(asked)}
        onClose={() => setAsked(undefined)}
      >
        {t('accounts.profile.revoke_text', { id: asked })}
      </Confirm>
    </Section>
  )
}
