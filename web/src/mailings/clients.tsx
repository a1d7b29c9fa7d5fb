import { Button, Center, Paper, Skeleton, Text } from '@mantine/core'
import { IconDownload, IconFileImport, IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { answer, api } from '../api.ts'
import { Confirm } from '../ui/confirm.tsx'
import desk from '../ui/desk.module.css'
import { FilterField } from '../ui/filter-field.tsx'
import { tell } from '../ui/problems.ts'
import { useQueryState } from '../ui/query-state.ts'
import { SearchField } from '../ui/search-field.tsx'
import { Empty, Failure } from '../ui/states.tsx'
import { ClientDialog } from './client-dialog.tsx'
import { Desk } from './desk.tsx'
import { phoneWords, useMailingsFormat } from './format.ts'
import classes from './mailings.module.css'
import { type Client, type ClientFilter, clientQueries } from './queries.ts'
import { useMayWrite } from './staff.ts'

/** What the address narrows the clients to. */
function useClientFilter(): ClientFilter {
  const { get } = useQueryState()
  const [search, code, tag] = [get('search').trim(), get('operator_code'), get('tag').trim()]
  return {
    ...(search && { search: search.slice(0, 100) }),
    ...(/^\d{3}$/.test(code) && { operator_code: code }),
    ...(tag && { tag: tag.slice(0, 64) }),
  }
}

/** Everybody who can be written to. */
export function Clients() {
  const { t } = useTranslation()
  const format = useMailingsFormat()
  const queries = useQueryClient()
  const mayWrite = useMayWrite()
  const { get, set, clear } = useQueryState()
  const filter = useClientFilter()
  const [edited, setEdited] = useState<Client | 'new'>()
  const [asked, setAsked] = useState<Client>()
  const clients = useInfiniteQuery(clientQueries.clients(filter))
  const rows = clients.data?.pages.flatMap((page) => page.results)
  const count = clients.data?.pages[0]?.count
  const isNarrowed = Object.keys(filter).length > 0
  const remove = useMutation({
    mutationFn: (id: number) => answer(api.DELETE('/api/clients/{id}', { params: { path: { id } } })),
    onError: (error) => tell(error),
    onSettled: () => {
      setAsked(undefined)
      return queries.invalidateQueries({ queryKey: ['mailings', 'clients'] })
    },
  })
  const add = mayWrite && (
    <Button leftSection={<IconPlus size={20} aria-hidden />} onClick={() => setEdited('new')}>
      {t('mailings.clients.new')}
    </Button>
  )
  const fromFile = mayWrite && (
    <Button
      component={Link}
      to="/admin/mailings/clients/import"
      variant="default"
      leftSection={<IconFileImport size={20} aria-hidden />}
    >
      {t('mailings.from_file')}
    </Button>
  )

  return (
    <Desk title={t('mailings.clients.title')} lead={t('mailings.clients.lead')} actions={add}>
      <search className={classes.filters}>
        <SearchField
          className={classes.search}
          label={t('mailings.clients.search')}
          value={get('search')}
          onSearch={(text) => set({ search: text.trim() })}
        />
        <FilterField
          label={t('mailings.operator_code')}
          inputMode="numeric"
          maxLength={3}
          value={get('operator_code')}
          isWrong={(text) => !/^\d{3}$/.test(text)}
          onFilter={(text) => set({ operator_code: text })}
        />
        <FilterField
          label={t('mailings.tag')}
          maxLength={64}
          value={get('tag')}
          onFilter={(text) => set({ tag: text })}
        />
      </search>
      <div className={desk.tools}>
        <Text fw={600} role="status" className={desk.grow}>
          {typeof count === 'number' && t('mailings.clients.count', { count, number: format.number(count) })}
        </Text>
        {fromFile}
        <Button
          component="a"
          variant="default"
          download
          href={`/api/clients/export?${new URLSearchParams({ ...filter, bom: 'true' })}`}
          leftSection={<IconDownload size={20} aria-hidden />}
        >
          {t('mailings.to_file')}
        </Button>
      </div>
      {clients.isPending && <Skeleton height={420} radius="lg" />}
      {clients.isError && !rows && <Failure error={clients.error} retry={clients.refetch} />}
      {rows?.length === 0 &&
        (isNarrowed ? (
          <Empty
            title={t('mailings.clients.not_found')}
            action={
              <Button variant="default" onClick={clear}>
                {t('mailings.reset')}
              </Button>
            }
          />
        ) : (
          <Empty title={t('mailings.clients.none')}>{mayWrite && t('mailings.clients.none_text')}</Empty>
        ))}
      {rows && rows.length > 0 && (
        <Paper withBorder component="ul" className={desk.list} aria-busy={clients.isPlaceholderData}>
          {rows.map((client) => (
            <li key={client.id} className={desk.row}>
              <div className={desk.grow}>
                {mayWrite ? (
                  <button
                    type="button"
                    className={`${desk.whole} ${classes.plainButton}`}
                    onClick={() => setEdited(client)}
                  >
                    {phoneWords(client.phone)}
                  </button>
                ) : (
                  <Text fw={600}>{phoneWords(client.phone)}</Text>
                )}
                <Text size="sm" c="dimmed">
                  {t('mailings.clients.code', { code: client.operator_code })} · {client.timezone}
                </Text>
              </div>
              {client.tag && (
                <span className={desk.chip} data-tone="quiet">
                  {client.tag}
                </span>
              )}
            </li>
          ))}
        </Paper>
      )}
      {clients.hasNextPage && (
        <Center>
          <Button variant="default" loading={clients.isFetchingNextPage} onClick={() => clients.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
      {edited && (
        <ClientDialog
          client={edited === 'new' ? undefined : edited}
          onClose={() => setEdited(undefined)}
          onRemove={(client) => {
            setEdited(undefined)
            setAsked(client)
          }}
        />
      )}
      <Confirm
        opened={asked !== undefined}
        title={t('mailings.clients.remove_title')}
        action={t('mailings.clients.remove')}
        busy={remove.isPending}
        onConfirm={() => asked && remove.mutate(asked.id)}
        onClose={() => setAsked(undefined)}
      >
        {t('mailings.clients.remove_text', { phone: phoneWords(asked?.phone ?? '') })}
      </Confirm>
    </Desk>
  )
}
