import { Anchor, Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { answer, api, Problem } from '../api.ts'
import { cookieMode } from '../session.ts'
import { tell } from '../ui/problems.ts'

type Values = { username: string; password: string }
type Tokens = { access: string }

export const signIn = (body: Values) => answer(api.POST('/api/auth/login', { body, headers: cookieMode }))

/** A name and its password; of a `username` that is known only the password. */
export function PasswordForm({ username, onEnter }: { username?: string; onEnter: (tokens: Tokens) => void }) {
  const { t } = useTranslation()
  const form = useForm<Values>({ initialValues: { username: username ?? '', password: '' } })
  const login = useMutation({
    mutationFn: signIn,
    onSuccess: onEnter,
    onError: (error) => {
      if (error instanceof Problem && error.status === 401) form.setFieldError('password', error.message)
      else tell(error, form)
    },
  })
  return (
    <form noValidate onSubmit={form.onSubmit((values) => login.mutate(values))}>
      <Stack>
        {username === undefined ? (
          <TextInput
            label={t('accounts.login')}
            autoComplete="username"
            autoCapitalize="none"
            {...form.getInputProps('username')}
          />
        ) : (
          <input hidden readOnly autoComplete="username" value={username} />
        )}
        <PasswordInput
          label={t('accounts.password')}
          autoComplete="current-password"
          visibilityToggleButtonProps={{ 'aria-label': t('accounts.show_password') }}
          data-autofocus={username !== undefined}
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
