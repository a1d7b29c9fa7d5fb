import { Button, Paper, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useLocation, useNavigate } from 'react-router'
import { answer, api } from '../api.ts'
import { Page } from '../ui/page.tsx'
import { done, tell } from '../ui/problems.ts'

/** The code from the paper that lets one into a flat. */
export function JoinForm() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const queries = useQueryClient()
  // The code of a QR stands behind #, so that no server ever logs it.
  const { hash } = useLocation()
  const form = useForm({ initialValues: { code: decodeURIComponent(hash.slice(1)) } })
  const join = useMutation({
    mutationFn: (body: { code: string }) => answer(api.POST('/api/profile/join', { body })),
    onSuccess: async (flat) => {
      await queries.invalidateQueries({ queryKey: ['housing'] })
      done(t('housing.join.done', { number: flat.number }))
      await navigate(`/flat/${flat.id}/readings`, { replace: true })
    },
    onError: (error) => tell(error, form),
  })
  return (
    <Paper withBorder p={{ base: 'md', sm: 'xl' }}>
      <form noValidate onSubmit={form.onSubmit((values) => join.mutate(values))}>
        <Stack gap="lg">
          <TextInput
            label={t('housing.join.code')}
            description={t('housing.join.hint')}
            inputWrapperOrder={['label', 'input', 'error', 'description']}
            placeholder="7KQ2M-XW9RD"
            autoComplete="one-time-code"
            autoCapitalize="characters"
            spellCheck={false}
            maxLength={40}
            {...form.getInputProps('code')}
          />
          <Button type="submit" size="lg" loading={join.isPending}>
            {t('housing.join.action')}
          </Button>
        </Stack>
      </form>
    </Paper>
  )
}

export function JoinPage() {
  const { t } = useTranslation()
  return (
    <Page title={t('housing.join.title')} lead={t('housing.join.lead')} width={560}>
      <JoinForm />
    </Page>
  )
}
