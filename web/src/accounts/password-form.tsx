import { Anchor, Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { answer, api, Problem } from '../api.ts'
import { cookieMode } from '../session.ts'
import { tell } from '../ui/problems.ts'
import { useEnter } from './entrance.tsx'

type Values = { username: string; password: string }

export const signIn = (body: Values) => answer(api.POST('/api/auth/login', { body, headers: cookieMode }))

export function PasswordForm() {
  const { t } = useTranslation()
  const enter = useEnter()
  const form = useForm<Values>({ initialValues: { username: '', password: '' } })
  const login = useMutation({
    mutationFn: signIn,
    onSuccess: enter,
    onError: (error) => {
      if (error instanceof Problem && error.status === 401) form.setFieldError('password', error.message)
      else tell(error, form)
    },
  })
  return (
    <form noValidate onSubmit={form.onSubmit((values) => login.mutate(values))}>
      <Stack>
        <TextInput
          label={t('accounts.login')}
          autoComplete="username"
          autoCapitalize="none"
          {...form.getInputProps('username')}
        />
        <PasswordInput
          label={t('accounts.password')}
          autoComplete="current-password"
          visibilityToggleButtonProps={{ 'aria-label': t('accounts.show_password') }}
          {...form.getInputProps('password')}
        />
        <Button type="submit" loading={login.isPending}>
          {t('accounts.sign_in.action')}
        </Button>
        <Anchor component={Link} to="/forgot-password" underline="always">
          {t('accounts.sign_in.forgot')}
        </Anchor>
      </Stack>
    </form>
  )
}
