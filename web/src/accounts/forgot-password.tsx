import { Alert, Anchor, Button, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconMailCheck } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { answer, api } from '../api.ts'
import { tell } from '../ui/problems.ts'
import { Entrance } from './entrance.tsx'

/** Asks for the letter by which a forgotten password is set anew. */
export function ForgotPassword() {
  const { t } = useTranslation()
  const form = useForm({ initialValues: { email: '' } })
  const ask = useMutation({
    mutationFn: (body: typeof form.values) => answer(api.POST('/api/auth/password/reset', { body })),
    onError: (error) => tell(error, form),
  })
  return (
    <Entrance title={t('accounts.reset.forgot')} lead={t('accounts.reset.forgot_lead')}>
      {ask.isSuccess ? (
        <Alert icon={<IconMailCheck />} role="status">
          {t('accounts.reset.sent', { email: form.values.email })}
        </Alert>
      ) : (
        <form noValidate onSubmit={form.onSubmit((values) => ask.mutate(values))}>
          <Stack>
            <TextInput label={t('accounts.email')} type="email" autoComplete="email" {...form.getInputProps('email')} />
            <Button type="submit" loading={ask.isPending}>
              {t('accounts.reset.send')}
            </Button>
          </Stack>
        </form>
      )}
      <Anchor component={Link} to="/sign-in" underline="always">
        {t('accounts.reset.back')}
      </Anchor>
    </Entrance>
  )
}
