import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { done, tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import { accountQueries, type Profile } from './queries.ts'

export function PersonForm({ profile }: { profile: Profile }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const form = useForm({
    initialValues: {
      last_name: profile.last_name,
      first_name: profile.first_name,
      patronymic: profile.patronymic,
      email: profile.email ?? '',
    },
  })
  const save = useMutation({
    mutationFn: ({ email, ...names }: typeof form.values) =>
      answer(api.PATCH('/api/profile', { body: email === (profile.email ?? '') ? names : { ...names, email } })),
    onSuccess: (saved) => {
      queries.setQueryData(accountQueries.profile.queryKey, saved)
      const isNew = saved.email !== profile.email && !saved.email_confirmed
      done(isNew ? t('accounts.profile.email_waits', { email: saved.email }) : t('shell.saved'))
      // Other answers show the name too.
      return queries.invalidateQueries({ queryKey: ['collects'] })
    },
    onError: (error) => tell(error, form),
  })
  const unconfirmed = profile.email && !profile.email_confirmed

  return (
    <Section title={t('accounts.profile.person')} text={t('accounts.profile.person_hint')}>
      <form noValidate onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          <TextInput label={t('accounts.last_name')} autoComplete="family-name" {...form.getInputProps('last_name')} />
          <TextInput label={t('accounts.first_name')} autoComplete="given-name" {...form.getInputProps('first_name')} />
          <TextInput
            label={t('accounts.patronymic')}
            autoComplete="additional-name"
            {...form.getInputProps('patronymic')}
          />
          <TextInput label={t('accounts.email')} type="email" autoComplete="email" {...form.getInputProps('email')} />
          {unconfirmed && <Unconfirmed />}
          <Button type="submit" loading={save.isPending} style={{ alignSelf: 'flex-start' }}>
            {t('accounts.profile.save')}
          </Button>
        </Stack>
      </form>
    </Section>
  )
}

function Unconfirmed() {
  const { t } = useTranslation()
  const send = useMutation({
    mutationFn: () => answer(api.POST('/api/profile/email/confirm')),
    onSuccess: () => done(t('accounts.profile.confirm_sent')),
    onError: (error) => tell(error),
  })
  return (
    <Group gap="xs" justify="space-between">
      <Text size="sm" c="dimmed">
        {t('accounts.profile.not_confirmed')}
      </Text>
      <Button variant="subtle" px="xs" loading={send.isPending} disabled={send.isSuccess} onClick={() => send.mutate()}>
        {t('accounts.profile.confirm_again')}
      </Button>
    </Group>
  )
}
