import { Button, PasswordInput, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { beginSession, cookieMode } from '../session.ts'
import { done, tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'

/** Sets a password; every other login of the account ends, and this one goes on. */
export function PasswordSection({ username }: { username: string }) {
  const { t } = useTranslation()
  const form = useForm({ initialValues: { current_password: '', password: '' } })
  const change = useMutation({
    mutationFn: ({ current_password, password }: typeof form.values) => {
      const body = current_password ? { current_password, password } : { password }
      return answer(api.POST('/api/profile/password', { body, headers: cookieMode }))
    },
    onSuccess: (tokens) => {
      beginSession(tokens)
      form.reset()
      done(t('accounts.profile.password_done'))
    },
    onError: (error) => tell(error, form),
  })
  const eye = { 'aria-label': t('accounts.show_password') }
  return (
    <Section title={t('accounts.password')} text={t('accounts.profile.password_text')}>
      <form noValidate onSubmit={form.onSubmit((values) => change.mutate(values))}>
        <Stack>
          <input hidden readOnly autoComplete="username" value={username} />
          <PasswordInput
            label={t('accounts.profile.current_password')}
            autoComplete="current-password"
            visibilityToggleButtonProps={eye}
            {...form.getInputProps('current_password')}
          />
          <PasswordInput
            label={t('accounts.new_password')}
            autoComplete="new-password"
            visibilityToggleButtonProps={eye}
            {...form.getInputProps('password')}
          />
          <Button type="submit" variant="light" loading={change.isPending} style={{ alignSelf: 'flex-start' }}>
            {t('accounts.profile.password_action')}
          </Button>
        </Stack>
      </form>
    </Section>
  )
}
