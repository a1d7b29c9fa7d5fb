import { ActionIcon, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconTrash } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { answer, api, Problem } from '../api.ts'
import { done, tell } from '../ui/problems.ts'
import { type Collect, collectQueries } from './queries.ts'

type Props = { collect: Collect & { organisers: { id: number; full_name: string }[] }; onClose: () => void }

/** Who helps the author: named by their invite code or username, and taken off again. */
export function Organisers({ collect, onClose }: Props) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const form = useForm({ initialValues: { user: '' } })
  const { id, organisers } = collect
  const refresh = () => queries.invalidateQueries({ queryKey: collectQueries.detail(id).queryKey })
  const add = useMutation({
    mutationFn: ({ user }: typeof form.values) =>
      answer(api.POST('/api/collects/{id}/organisers', { params: { path: { id } }, body: { user: user.trim() } })),
    onSuccess: ({ full_name }) => {
      form.reset()
      done(t('collects.organisers.added', { name: full_name }))
      return refresh()
    },
    onError: (error) => {
      if (error instanceof Problem && error.status === 409) form.setFieldError('user', error.message)
      else tell(error, form)
    },
  })
  const remove = useMutation({
    mutationFn: (user: number) =>
      answer(api.DELETE('/api/collects/{id}/organisers/{user}', { params: { path: { id, user } } })),
    onSuccess: refresh,
    onError: (error) => tell(error),
  })
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('collects.organisers.title')}
      closeButtonProps={{ 'aria-label': t('shell.close') }}
    >
      <Stack>
        <Text c="dimmed">{t('collects.organisers.lead')}</Text>
        {organisers.map(({ id: user, full_name }) => (
          <Group key={user} justify="space-between" wrap="nowrap">
            <Text fw={550}>{full_name}</Text>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('collects.organisers.remove', { name: full_name })}
              loading={remove.isPending && remove.variables === user}
              onClick={() => remove.mutate(user)}
            >
              <IconTrash size={20} />
            </ActionIcon>
          </Group>
        ))}
        <form noValidate onSubmit={form.onSubmit((values) => add.mutate(values))}>
          <Stack>
            <TextInput
              label={t('collects.organisers.who')}
              description={t('collects.organisers.hint')}
              autoComplete="off"
              autoCapitalize="none"
              maxLength={150}
              {...form.getInputProps('user')}
            />
            <Button type="submit" variant="light" loading={add.isPending}>
              {t('collects.organisers.add')}
            </Button>
          </Stack>
        </form>
      </Stack>
    </Modal>
  )
}
