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
import { TokenDialog } from './token-dialog.tsx'

export function Tokens() {
  const { t } = useTranslation()
  const { ago, date } = useFormat()
  const queries = useQueryClient()
  const [asked, setAsked] = useState<{ id: number; name: string }>()
  const [makes, setMakes] = useState(false)
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

  const nameOf = ({ id, name }: { id: number; name: string | null }) => name ?? t('accounts.profile.token', { id })

  return (
    <Section title={t('accounts.profile.tokens')} text={t('accounts.profile.tokens_text')}>
      {tokens.isPending && <Skeleton height={44} />}
      {tokens.isError && <Failure error={tokens.error} retry={tokens.refetch} />}
      {tokens.data?.results.length === 0 && <Text c="dimmed">{t('accounts.profile.no_tokens')}</Text>}
      {tokens.data?.results.map((token) => (
        <Group key={token.id} justify="space-between" wrap="nowrap">
          <Stack gap={0} miw={0}>
            <Text fw={550}>{nameOf(token)}</Text>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {token.scopes?.join(', ') ?? t('accounts.tokens.everything')}
              {token.addresses && ` · ${token.addresses.join(', ')}`}
            </Text>
            <Text size="sm" c="dimmed">
              {t('accounts.profile.token_made', { date: date(token.created_at) })},{' '}
              {token.last_used_at
                ? t('accounts.profile.token_used', { ago: ago(token.last_used_at) })
                : t('accounts.profile.token_unused')}
              {token.expires_at && ` · ${t('accounts.tokens.until', { date: date(token.expires_at) })}`}
            </Text>
          </Stack>
          <Button
            variant="light"
            color="red"
            flex="none"
            onClick={() => setAsked({ id: token.id, name: nameOf(token) })}
          >
            {t('accounts.profile.revoke')}
          </Button>
        </Group>
      ))}
      <Button variant="light" style={{ alignSelf: 'flex-start' }} onClick={() => setMakes(true)}>
        {t('accounts.tokens.make')}
      </Button>
      {makes && <TokenDialog onClose={() => setMakes(false)} />}
      <Confirm
        opened={asked !== undefined}
        title={t('accounts.profile.revoke_title')}
        action={t('accounts.profile.revoke')}
        busy={revoke.isPending}
        onConfirm={() => asked && revoke.mutate(asked.id)}
        onClose={() => setAsked(undefined)}
      >
        {t('accounts.profile.revoke_text', { name: asked?.name })}
      </Confirm>
    </Section>
  )
}
