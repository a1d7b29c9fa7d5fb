import { Button, PasswordInput, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useLocation, useNavigate } from 'react-router'
import { answer, api } from '../api.ts'
import { done, tell } from '../ui/problems.ts'
import { Entrance } from './entrance.tsx'

/** Where the letter about a forgotten password leads; its secret stands behind the # and reaches no log. */
export function ResetPassword() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const token = useLocation().hash.slice(1)
  const form = useForm({ initialValues: { password: '' } })
  const reset = useMutation({
    mutationFn: ({ password }: typeof form.values) =>
      answer(api.POST('/api/auth/password/reset/confirm', { body: { token, password } })),
    onSuccess: async () => {
      await navigate('/sign-in', { replace: true })
      done(t('accounts.reset.done'))
    },
    onError: (error) => tell(error, form),
  })
  return (
    <Entrance title={t('accounts.reset.title')} lead={t('accounts.reset.lead')}>
      <form noValidate onSubmit={form.onSubmit((values) => reset.mutate(values))}>
        <Stack>
          <PasswordInput
            label={t('accounts.new_password')}
            description={t('accounts.register.password_hint')}
            autoComplete="new-password"
            visibilityToggleButtonProps={{ 'aria-label': t('accounts.show_password') }}
            {...form.getInputProps('password')}
          />
          <Button type="submit" loading={reset.isPending}>
            {t('accounts.reset.action')}
          </Button>
        </Stack>
      </form>
    </Entrance>
  )
}
