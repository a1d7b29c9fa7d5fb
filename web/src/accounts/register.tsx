import { Anchor, Button, PasswordInput, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'react-router'
import { answer, api } from '../api.ts'
import { tell } from '../ui/problems.ts'
import { Entrance, useEnter, useSearch } from './entrance.tsx'
import { signIn } from './password-form.tsx'

export function Register() {
  const { t } = useTranslation()
  const enter = useEnter()
  const search = useSearch()
  const [params] = useSearchParams()
  const form = useForm({
    initialValues: {
      first_name: '',
      last_name: '',
      username: '',
      email: '',
      password: '',
      invite_code: params.get('invite') ?? '',
    },
  })
  const register = useMutation({
    mutationFn: async ({ invite_code, ...given }: typeof form.values) => {
      const invite = invite_code.trim()
      await answer(api.POST('/api/auth/register', { body: invite ? { ...given, invite_code: invite } : given }))
      return signIn({ username: given.username, password: given.password })
    },
    onSuccess: enter,
    onError: (error) => tell(error, form),
  })

  return (
    <Entrance title={t('accounts.register.title')} lead={t('accounts.register.lead')}>
      <form noValidate onSubmit={form.onSubmit((values) => register.mutate(values))}>
        <Stack>
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
            <TextInput
              label={t('accounts.first_name')}
              autoComplete="given-name"
              {...form.getInputProps('first_name')}
            />
            <TextInput
              label={t('accounts.last_name')}
              autoComplete="family-name"
              {...form.getInputProps('last_name')}
            />
          </SimpleGrid>
          <TextInput
            label={t('accounts.username')}
            description={t('accounts.register.username_hint')}
            autoComplete="username"
            autoCapitalize="none"
            {...form.getInputProps('username')}
          />
          <TextInput label={t('accounts.email')} type="email" autoComplete="email" {...form.getInputProps('email')} />
          <PasswordInput
            label={t('accounts.password')}
            description={t('accounts.register.password_hint')}
            autoComplete="new-password"
            visibilityToggleButtonProps={{ 'aria-label': t('accounts.show_password') }}
            {...form.getInputProps('password')}
          />
          <TextInput
            label={t('accounts.register.invite')}
            description={t('accounts.register.invite_hint')}
            autoCapitalize="characters"
            {...form.getInputProps('invite_code')}
          />
          <Button type="submit" loading={register.isPending} mt="xs">
            {t('accounts.register.action')}
          </Button>
        </Stack>
      </form>
      <Text c="dimmed">
        {t('accounts.register.have')}{' '}
        <Anchor component={Link} to={`/sign-in${search}`} underline="always">
          {t('shell.sign_in')}
        </Anchor>
      </Text>
    </Entrance>
  )
}
