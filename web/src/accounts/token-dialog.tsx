import {
  Alert,
  Button,
  Checkbox,
  Code,
  CopyButton,
  Group,
  Modal,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { paths } from '../api.gen.ts'
import { answer, api } from '../api.ts'
import { useOrganisation } from '../platform/queries.ts'
import { tell } from '../ui/problems.ts'
import { accountQueries } from './queries.ts'

type Body = paths['/api/profile/tokens']['post']['requestBody']['content']['application/json']
type Scope = Body['scopes'][number]
const terms = ['30', '90', '365', ''] as const
const dayMs = 86_400_000

/** Makes a token of few scopes, and shows it this once. */
export function TokenDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const make = useMutation({
    mutationFn: (body: Body) => answer(api.POST('/api/profile/tokens', { body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: accountQueries.tokens.queryKey }),
  })
  return (
    <Modal
      opened
      size="lg"
      onClose={onClose}
      title={t('accounts.tokens.make')}
      closeButtonProps={{ 'aria-label': t('shell.close') }}
    >
      {make.data ? (
        <Made token={make.data.token} onClose={onClose} />
      ) : (
        <TokenForm busy={make.isPending} onSend={(body) => make.mutateAsync(body)} />
      )}
    </Modal>
  )
}

function TokenForm({ busy, onSend }: { busy: boolean; onSend: (body: Body) => Promise<unknown> }) {
  const { t } = useTranslation()
  const { data: organisation } = useOrganisation()
  const modules = ['installation', ...(organisation?.modules ?? [])]
  const form = useForm({ initialValues: { name: '', scopes: [] as string[], term: '90', addresses: '' } })
  const send = ({ name, scopes, term, addresses }: typeof form.values) => {
    const networks = addresses.split(/[\s,;]+/).filter(Boolean)
    return onSend({
      name,
      scopes: scopes as Scope[],
      ...(term ? { expires_at: new Date(Date.now() + Number(term) * dayMs).toISOString() } : {}),
      ...(networks.length ? { addresses: networks } : {}),
    }).catch((error) => tell(error, form))
  }
  return (
    <form noValidate onSubmit={form.onSubmit((values) => void send(values))}>
      <Stack>
        <TextInput
          label={t('accounts.tokens.name')}
          description={t('accounts.tokens.name_hint')}
          autoComplete="off"
          maxLength={100}
          data-autofocus
          {...form.getInputProps('name')}
        />
        <Checkbox.Group label={t('accounts.tokens.scopes')} {...form.getInputProps('scopes')}>
          <Stack gap="xs" mt="xs">
            {modules.map((module) => (
              <Group key={module} justify="space-between" gap="xs">
                <Text>{t(`accounts.tokens.module.${module as 'accounts'}`)}</Text>
                <Group gap="lg">
                  {(['read', 'write'] as const).map((may) => (
                    <Checkbox
                      key={may}
                      value={`${module}:${may}`}
                      label={t(`accounts.tokens.${may}`)}
                      aria-label={`${t(`accounts.tokens.module.${module as 'accounts'}`)}: ${t(`accounts.tokens.${may}`)}`}
                    />
                  ))}
                </Group>
              </Group>
            ))}
          </Stack>
        </Checkbox.Group>
        <Select
          label={t('accounts.tokens.term')}
          data={terms.map((value) => ({ value, label: t(`accounts.tokens.days.${value || 'never'}`) }))}
          {...form.getInputProps('term')}
        />
        <Textarea
          label={t('accounts.tokens.addresses')}
          description={t('accounts.tokens.addresses_hint')}
          autosize
          minRows={1}
          {...form.getInputProps('addresses')}
        />
        <Button type="submit" loading={busy}>
          {t('accounts.tokens.make')}
        </Button>
      </Stack>
    </form>
  )
}

function Made({ token, onClose }: { token: string; onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <Stack>
      <Alert role="status">{t('accounts.tokens.once')}</Alert>
      <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
        {token}
      </Code>
      <Group justify="flex-end">
        <CopyButton value={token}>
          {({ copied, copy }) => (
            <Button
              variant="light"
              leftSection={copied ? <IconCheck size={20} /> : <IconCopy size={20} />}
              onClick={copy}
            >
              {t(copied ? 'shell.copied' : 'accounts.tokens.copy')}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>{t('accounts.tokens.kept')}</Button>
      </Group>
    </Stack>
  )
}
