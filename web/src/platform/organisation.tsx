import { Alert, Button, Fieldset, Paper, SimpleGrid, Skeleton, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useProfile } from '../accounts/queries.ts'
import { answer, api } from '../api.ts'
import { Page } from '../ui/page.tsx'
import { done, tell } from '../ui/problems.ts'
import { Failure } from '../ui/states.tsx'
import { platformQueries } from './queries.ts'

const fields = [
  'payee',
  'inn',
  'kpp',
  'bic',
  'bank_name',
  'account',
  'correspondent_account',
  'phone',
  'email',
] as const
type Field = (typeof fields)[number]
type Values = { name: string; requisites: Record<Field, string> }

const hints = {
  inn: 'inn_hint',
  kpp: 'digits_9',
  bic: 'digits_9',
  account: 'digits_20',
  correspondent_account: 'digits_20',
} as const
const numeric = new Set<Field>(['inn', 'kpp', 'bic', 'account', 'correspondent_account'])

export function Organisation() {
  const { t } = useTranslation()
  const organisation = useQuery(platformQueries.requisites)
  const { name, requisites } = organisation.data ?? {}

  return (
    <Page title={t('platform.organisation.title')} lead={t('platform.organisation.lead')}>
      {organisation.isError && <Failure error={organisation.error} retry={organisation.refetch} />}
      {requisites ? (
        <OrganisationForm
          initial={{
            name: name ?? '',
            requisites: Object.fromEntries(fields.map((f) => [f, requisites[f] ?? ''])) as Record<Field, string>,
          }}
        />
      ) : (
        !organisation.isError && <Skeleton height={560} radius="lg" />
      )}
    </Page>
  )
}

function OrganisationForm({ initial }: { initial: Values }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const { data: profile } = useProfile()
  const form = useForm({ initialValues: initial })
  const mayWrite = profile?.role === 'admin'
  const save = useMutation({
    mutationFn: ({ name, requisites }: Values) => {
      const given = fields.map((f) => [f, requisites[f].trim() || null])
      return answer(api.PATCH('/api/organisation', { body: { name, requisites: Object.fromEntries(given) } }))
    },
    onSuccess: (saved) => {
      queries.setQueryData(platformQueries.requisites.queryKey, saved)
      done(t('shell.saved'))
      return queries.invalidateQueries({ queryKey: ['platform', 'organisation'] })
    },
    onError: (error) => tell(error, form),
  })

  return (
    <form noValidate onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack gap="lg">
        {!mayWrite && <Alert color="gray">{t('platform.organisation.read_only')}</Alert>}
        <Paper withBorder p={{ base: 'md', sm: 'xl' }}>
          <Stack gap="lg">
            <TextInput label={t('platform.organisation.name')} disabled={!mayWrite} {...form.getInputProps('name')} />
            <Fieldset variant="unstyled" legend={t('platform.organisation.requisites')} disabled={!mayWrite}>
              <SimpleGrid cols={{ base: 1, sm: 2, md: 3 }} spacing="md" mt="sm">
                {fields.map((field) => (
                  <TextInput
                    key={field}
                    label={t(`platform.organisation.${field}`)}
                    placeholder={
                      field in hints ? t(`platform.organisation.${hints[field as keyof typeof hints]}`) : undefined
                    }
                    inputMode={
                      numeric.has(field) ? 'numeric' : field === 'email' ? 'email' : field === 'phone' ? 'tel' : 'text'
                    }
                    {...form.getInputProps(`requisites.${field}`)}
                  />
                ))}
              </SimpleGrid>
            </Fieldset>
            {mayWrite && (
              <Button type="submit" loading={save.isPending} style={{ alignSelf: 'flex-start' }}>
                {t('platform.organisation.save')}
              </Button>
            )}
          </Stack>
        </Paper>
      </Stack>
    </form>
  )
}
