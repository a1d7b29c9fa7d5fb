import { Button, Center, Paper, Skeleton, Text } from '@mantine/core'
import { IconFileImport, IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { answer, api } from '../api.ts'
import { Confirm } from '../ui/confirm.tsx'
import desk from '../ui/desk.module.css'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useOnce } from '../ui/once.ts'
import { tell } from '../ui/problems.ts'
import { useQueryState } from '../ui/query-state.ts'
import { SearchField } from '../ui/search-field.tsx'
import { Empty, Failure } from '../ui/states.tsx'
import { Desk } from './desk.tsx'
import { phoneWords, useMailingsFormat } from './format.ts'
import { clientQueries } from './queries.ts'
import { useMayWrite } from './staff.ts'

/** Numbers that are never written to. */
export function Stops() {
  const { t } = useTranslation()
  const format = useMailingsFormat()
  const queries = useQueryClient()
  const once = useOnce()
  const mayWrite = useMayWrite()
  const { get, set } = useQueryState()
  const search = get('search').trim().slice(0, 100)
  const [isNew, setNew] = useState(false)
  const [asked, setAsked] = useState('')
  const stops = useInfiniteQuery(clientQueries.stops(search))
  const rows = stops.data?.pages.flatMap((page) => page.results)
  const remove = useMutation({
    mutationFn: (phone: string) => answer(api.DELETE('/api/clients/stops/{phone}', { params: { path: { phone } } })),
    onError: (error) => tell(error),
    onSettled: () => {
      setAsked('')
      return queries.invalidateQueries({ queryKey: ['mailings', 'stops'] })
    },
  })
  const add = mayWrite && (
    <Button leftSection={<IconPlus size={20} aria-hidden />} onClick={() => setNew(true)}>
      {t('mailings.stops.new')}
    </Button>
  )

  return (
    <Desk title={t('mailings.stops.title')} lead={t('mailings.stops.lead')} actions={add}>
      <div className={desk.tools}>
        <SearchField
          className={desk.grow}
          label={t('mailings.stops.search')}
          value={get('search')}
          onSearch={(text) => set({ search: text.trim() })}
        />
        {mayWrite && (
          <Button
            component={Link}
            to="/admin/mailings/stops/import"
            variant="default"
            leftSection={<IconFileImport size={20} aria-hidden />}
          >
            {t('mailings.from_file')}
          </Button>
        )}
      </div>
      {stops.isPending && <Skeleton height={420} radius="lg" />}
      {stops.isError && !rows && <Failure error={stops.error} retry={stops.refetch} />}
      {rows?.length === 0 && (
        <Empty title={t(search ? 'mailings.stops.not_found' : 'mailings.stops.none')}>
          {!search && t('mailings.stops.none_text')}
        </Empty>
      )}
      {rows && rows.length > 0 && (
        <Paper withBorder component="ul" className={desk.list} aria-busy={stops.isPlaceholderData}>
          {rows.map((stop) => (
            <li key={stop.phone} className={desk.row}>
              <div className={desk.grow}>
                <Text fw={600}>{phoneWords(stop.phone)}</Text>
                <Text size="sm" c="dimmed">
                  {[stop.reason, stop.created_by?.full_name, format.moment(stop.created_at)]
                    .filter(Boolean)
                    .join(' · ')}
                </Text>
              </div>
              {mayWrite && (
                <Button
                  variant="default"
                  aria-label={t('mailings.stops.remove_named', { phone: phoneWords(stop.phone) })}
                  onClick={() => setAsked(stop.phone)}
                >
                  {t('mailings.stops.remove')}
                </Button>
              )}
            </li>
          ))}
        </Paper>
      )}
      {stops.hasNextPage && (
        <Center>
          <Button variant="default" loading={stops.isFetchingNextPage} onClick={() => stops.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
      {isNew && (
        <FormDialog
          title={t('mailings.stops.new_title')}
          action={t('mailings.stops.new')}
          initial={{ phone: '', reason: '' }}
          fields={[
            { name: 'phone', label: t('mailings.phone'), type: 'phone' },
            { name: 'reason', label: t('mailings.stops.reason'), hint: t('mailings.stops.reason_hint') },
          ]}
          onClose={() => setNew(false)}
          onSend={async (body) => {
            await answer(api.POST('/api/clients/stops', { headers: once.keyFor(body), body }))
            await queries.invalidateQueries({ queryKey: ['mailings', 'stops'] })
          }}
        />
      )}
      <Confirm
        opened={asked !== ''}
        title={t('mailings.stops.remove_title')}
        action={t('mailings.stops.remove')}
        busy={remove.isPending}
        onConfirm={() => remove.mutate(asked)}
        onClose={() => setAsked('')}
      >
        {t('mailings.stops.remove_text', { phone: phoneWords(asked) })}
      </Confirm>
    </Desk>
  )
}
