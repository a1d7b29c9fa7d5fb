import { ActionIcon, Button, Group, Menu } from '@mantine/core'
import {
  IconDotsVertical,
  IconFlag,
  IconPencil,
  IconQrcode,
  IconTable,
  IconTrash,
  IconUsers,
} from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'
import { answer, api } from '../api.ts'
import { Confirm } from '../ui/confirm.tsx'
import { done, tell } from '../ui/problems.ts'
import { Organisers } from './organisers.tsx'
import { type Collect, collectQueries } from './queries.ts'

type Props = { collect: Collect & { organisers: { id: number; full_name: string }[] }; isAuthor: boolean }

/** What its organisers may do with a collect; some of it is the author's alone. */
export function AuthorActions({ collect, isAuthor }: Props) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const [asked, setAsked] = useState<'close' | 'delete' | 'organisers'>()
  const path = { id: collect.id }
  const mayClose = collect.status === 'active'
  const mayDelete = isAuthor && collect.payments_count === 0
  const close = useMutation({
    mutationFn: () => answer(api.POST('/api/collects/{id}/close', { params: { path } })),
    onSuccess: () => {
      setAsked(undefined)
      done(t('collects.author.closed'))
      return queries.invalidateQueries({ queryKey: ['collects'] })
    },
    onError: (error) => tell(error),
  })
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE('/api/collects/{id}', { params: { path } })),
    onSuccess: async () => {
      await navigate('/collects')
      done(t('collects.author.deleted'))
      queries.removeQueries({ queryKey: collectQueries.detail(collect.id).queryKey })
      await queries.invalidateQueries({ queryKey: ['collects', 'list'] })
    },
    onError: (error) => tell(error),
  })

  return (
    <Group gap={4} wrap="nowrap">
      <Button
        component={Link}
        to={`/collects/${collect.id}/edit`}
        variant="subtle"
        leftSection={<IconPencil size={20} />}
      >
        {t('collects.author.edit')}
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" aria-label={t('collects.author.more')}>
            <IconDotsVertical size={20} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {isAuthor && (
            <Menu.Item leftSection={<IconUsers size={18} />} onClick={() => setAsked('organisers')}>
              {t('collects.organisers.title')}
            </Menu.Item>
          )}
          <Menu.Item
            component="a"
            href={`/api/collects/${collect.id}/poster.pdf`}
            target="_blank"
            rel="noreferrer"
            leftSection={<IconQrcode size={18} />}
          >
            {t('collects.author.poster')}
          </Menu.Item>
          <Menu.Item
            component="a"
            href={`/api/collects/${collect.id}/payments.csv`}
            download
            leftSection={<IconTable size={18} />}
          >
            {t('collects.author.csv')}
          </Menu.Item>
          {mayClose && (
            <Menu.Item leftSection={<IconFlag size={18} />} onClick={() => setAsked('close')}>
              {t('collects.author.close')}
            </Menu.Item>
          )}
          {mayDelete && (
            <Menu.Item color="red" leftSection={<IconTrash size={18} />} onClick={() => setAsked('delete')}>
              {t('collects.author.delete')}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {asked === 'organisers' && <Organisers collect={collect} onClose={() => setAsked(undefined)} />}
      <Confirm
        opened={asked === 'close'}
        title={t('collects.author.close_title')}
        action={t('collects.author.close')}
        busy={close.isPending}
        onConfirm={() => close.mutate()}
        onClose={() => setAsked(undefined)}
      >
        {t('collects.author.close_text')}
      </Confirm>
      <Confirm
        opened={asked === 'delete'}
        title={t('collects.author.delete_title')}
        action={t('collects.author.delete')}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
        onClose={() => setAsked(undefined)}
      >
        {t('collects.author.delete_text', { title: collect.title })}
      </Confirm>
    </Group>
  )
}
