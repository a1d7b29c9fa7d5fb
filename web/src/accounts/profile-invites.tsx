import { Badge, Button, CopyButton, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconCheck, IconLink } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { answer, api, Problem } from '../api.ts'
import { done, tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import { accountQueries, type Profile } from './queries.ts'

export function Invites({ profile }: { profile: Profile }) {
  const { t } = useTranslation()
  const link = `${location.origin}/register?invite=${profile.invite_code}`
  return (
    <Section title={t('accounts.profile.invites')} text={t('accounts.profile.code_text')}>
      <Group justify="space-between" gap="sm">
        <Text
          fz="1.75rem"
          fw={700}
          ff="monospace"
          style={{ letterSpacing: '.14em' }}
          aria-label={`${t('accounts.profile.your_code')}: ${profile.invite_code}`}
          role="img"
        >
          {profile.invite_code}
        </Text>
        <CopyButton value={link}>
          {({ copied, copy }) => (
            <Button
              variant="light"
              leftSection={copied ? <IconCheck size={20} /> : <IconLink size={20} />}
              onClick={copy}
            >
              {t(copied ? 'shell.copied' : 'accounts.profile.copy_link')}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Stack gap={6}>
        <Text fw={550}>{t('accounts.profile.used_by')}</Text>
        {profile.activated_your_code.length === 0 && <Text c="dimmed">{t('accounts.profile.nobody')}</Text>}
        <Group gap={8}>
          {profile.activated_your_code.map((name) => (
            <Badge key={name} variant="light" size="lg" tt="none">
              {name}
            </Badge>
          ))}
        </Group>
      </Stack>
      {profile.foreign_invite_code ? (
        <Text c="dimmed">{t('accounts.profile.other_used', { code: profile.foreign_invite_code })}</Text>
      ) : (
        <ForeignCode />
      )}
    </Section>
  )
}

function ForeignCode() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const form = useForm({ initialValues: { foreign_invite_code: '' } })
  const activate = useMutation({
    mutationFn: ({ foreign_invite_code }: typeof form.values) =>
      answer(api.PATCH('/api/profile', { body: { foreign_invite_code: foreign_invite_code.trim() } })),
    onSuccess: (saved) => {
      queries.setQueryData(accountQueries.profile.queryKey, saved)
      done(t('accounts.profile.activated'))
    },
    onError: (error) => {
      if (error instanceof Problem && error.status === 409) form.setFieldError('foreign_invite_code', error.message)
      else tell(error, form)
    },
  })
  return (
    <form noValidate onSubmit={form.onSubmit((values) => activate.mutate(values))}>
      <TextInput
        label={t('accounts.profile.other_code')}
        description={t('accounts.profile.other_hint')}
        autoCapitalize="characters"
        autoComplete="off"
        maxLength={16}
        inputContainer={(input) => (
          <Group gap="xs" wrap="nowrap" align="stretch">
            <div style={{ flex: 1 }}>{input}</div>
            <Button type="submit" variant="light" loading={activate.isPending}>
              {t('accounts.profile.activate')}
            </Button>
          </Group>
        )}
        {...form.getInputProps('foreign_invite_code')}
      />
    </form>
  )
}
