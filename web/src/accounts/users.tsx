import { Avatar, Badge, Button, Group, Paper, Select, Skeleton, Stack, Text } from '@mantine/core'
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api, type Shapes } from '../api.ts'
import { useFormat } from '../format.ts'
import type { Role } from '../module.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Page } from '../ui/page.tsx'
import { Pager } from '../ui/pager.tsx'
import { done, tell } from '../ui/problems.ts'
import { useQueryState } from '../ui/query-state.ts'
import { SearchField } from '../ui/search-field.tsx'
import { Empty, Failure } from '../ui/states.tsx'
import { accountQueries, initialsOf, useProfile } from './queries.ts'
import classes from './users.module.css'

const roles = ['user', 'admin', 'operator', 'bookkeeper', 'storekeeper', 'auditor'] as const satisfies Role[]
type User = Shapes['User']
/** `before` is what stood there; none where it was an undoing. */
type Change = { id: number; role?: Role; is_active?: boolean; before?: User }

export function Users() {
  const { t } = useTranslation()
  const { page, get, oneOf, set, clear } = useQueryState()
  const [asked, setAsked] = useState<{ user: User; role?: Role }>()
  const { data: me } = useProfile()
  const queries = useQueryClient()
  const role = oneOf('role', roles)
  const users = useQuery({
    ...accountQueries.users({ page, search: get('search') || undefined, role }),
    placeholderData: keepPreviousData,
  })
  const change = useMutation({
    mutationFn: ({ id, before: _, ...body }: Change) =>
      answer(api.PATCH('/api/admin/users/{id}', { params: { path: { id } }, body })),
    onSuccess: (now, { before, role }) => {
      setAsked(undefined)
      const name = now.full_name || now.username
      const words = role
        ? t('accounts.users.role_changed', { name, role: t(`accounts.role.${now.role}`) })
        : t(now.is_active ? 'accounts.users.unblocked' : 'accounts.users.blocked_now', { name })
      const back = role ? { role: before?.role } : { is_active: before?.is_active }
      done(words, before && (() => change.mutate({ id: now.id, ...back } as Change)))
      return queries.invalidateQueries({ queryKey: ['accounts', 'users'] })
    },
    onError: (error) => tell(error),
  })
  const roleNames = roles.map((value) => ({ value, label: t(`accounts.role.${value}`) }))
  const count = users.data?.count

  return (
    <Page
      title={t('accounts.users.title')}
      lead={typeof count === 'number' ? t('accounts.users.lead', { count }) : undefined}
    >
      <Group align="flex-end">
        <SearchField
          className={classes.search}
          label={t('accounts.users.search')}
          value={get('search')}
          onSearch={(text) => set({ search: text })}
        />
        <Select
          aria-label={t('accounts.users.role')}
          value={role ?? ''}
          onChange={(value) => set({ role: value ?? '' })}
          data={[{ value: '', label: t('accounts.users.any_role') }, ...roleNames]}
        />
      </Group>
      {users.isPending && <Skeleton height={520} radius="lg" />}
      {users.isError && <Failure error={users.error} retry={users.refetch} />}
      {users.data?.results.length === 0 && (
        <Empty title={t('accounts.users.none')} action={<Button onClick={clear}>{t('accounts.users.reset')}</Button>}>
          {t('accounts.users.none_text')}
        </Empty>
      )}
      {users.data && users.data.results.length > 0 && (
        <Paper withBorder component="ul" className={classes.list}>
          {users.data.results.map((user) => (
            <UserRow
              key={user.id}
              user={user}
              isMe={user.id === me?.id}
              roles={me?.role === 'admin' ? roleNames : undefined}
              onRole={(value) => value !== user.role && setAsked({ user, role: value })}
              onAccess={() =>
                user.is_active ? setAsked({ user }) : change.mutate({ id: user.id, is_active: true, before: user })
              }
            />
          ))}
        </Paper>
      )}
      <Pager count={count ?? 0} size={20} page={page} onChange={(n) => set({ page: String(n) })} />
      <Confirm
        opened={asked !== undefined}
        title={t(asked?.role ? 'accounts.users.role_title' : 'accounts.users.block_title')}
        action={t(asked?.role ? 'accounts.users.role_action' : 'accounts.users.block')}
        busy={change.isPending}
        onConfirm={() => {
          if (!asked) return
          const { user, role } = asked
          change.mutate({ id: user.id, before: user, ...(role ? { role } : { is_active: false }) })
        }}
        onClose={() => setAsked(undefined)}
      >
        {asked?.role
          ? t('accounts.users.role_text', {
              name: asked.user.full_name || asked.user.username,
              before: t(`accounts.role.${asked.user.role}`),
              after: t(`accounts.role.${asked.role}`),
            })
          : t('accounts.users.block_text', { name: asked?.user.full_name || asked?.user.username })}
      </Confirm>
    </Page>
  )
}

type RowProps = {
  user: User
  isMe: boolean
  roles: { value: Role; label: string }[] | undefined
  onRole: (role: Role) => void
  onAccess: () => void
}

/** `roles` is there for whoever may change them. */
function UserRow({ user, isMe, roles, onRole, onAccess }: RowProps) {
  const { t } = useTranslation()
  const { date } = useFormat()
  const name = user.full_name || user.username
  return (
    <li className={classes.row}>
      <Avatar color={user.is_active ? 'yard' : 'gray'} size={44} aria-hidden>
        {initialsOf(user)}
      </Avatar>
      <Stack gap={0} className={classes.person}>
        <Group gap={8}>
          <Text fw={550} td={user.is_active ? undefined : 'line-through'}>
            {name}
          </Text>
          {isMe && <Badge variant="light">{t('accounts.users.you')}</Badge>}
          {!user.is_active && (
            <Badge variant="light" color="red">
              {t('accounts.users.blocked')}
            </Badge>
          )}
        </Group>
        <Text size="sm" c="dimmed" className={classes.contact}>
          {[user.username, user.email, user.phone].filter(Boolean).join(' · ')}
        </Text>
      </Stack>
      <Text size="sm" c="dimmed" className={classes.since}>
        {date(user.created_at)}
      </Text>
      <Group gap="xs" wrap="nowrap" className={classes.controls}>
        {roles ? (
          <Select
            className={classes.role}
            aria-label={t('accounts.users.role_of', { name })}
            value={user.role}
            onChange={(value) => value && onRole(value as Role)}
            data={roles}
          />
        ) : (
          <Text>{t(`accounts.role.${user.role}`)}</Text>
        )}
        {roles && !isMe && (
          <Button variant="subtle" color={user.is_active ? 'gray' : 'yard'} px="sm" onClick={onAccess}>
            {t(user.is_active ? 'accounts.users.block' : 'accounts.users.unblock')}
          </Button>
        )}
      </Group>
    </li>
  )
}
