import { Button, Center, Paper, Skeleton, Stack, Text } from '@mantine/core'
import { IconPlus, IconPrinter } from '@tabler/icons-react'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useOutletContext } from 'react-router'
import { answer, api } from '../api.ts'
import { plainAmount } from '../format.ts'
import desk from '../ui/desk.module.css'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useOnce } from '../ui/once.ts'
import { openFile } from '../ui/open-file.ts'
import { tell } from '../ui/problems.ts'
import { useQueryState } from '../ui/query-state.ts'
import { SearchField } from '../ui/search-field.tsx'
import { Empty, Failure } from '../ui/states.tsx'
import { useHousingFormat } from './format.ts'
import type { HouseContext } from './house.tsx'
import classes from './housing.module.css'
import { staffQueries } from './staff-queries.ts'

/** The flats of a house. */
export function HouseFlats() {
  const { t } = useTranslation()
  const { house, mayWrite } = useOutletContext<HouseContext>()
  const format = useHousingFormat()
  const queries = useQueryClient()
  const once = useOnce()
  const { get, set } = useQueryState()
  const [isNew, setNew] = useState(false)
  const search = get('search')
  const flats = useInfiniteQuery(staffQueries.flats(house.id, search))
  const rows = flats.data?.pages.flatMap((page) => page.results)
  const sheet = useMutation({
    mutationFn: () =>
      answer(api.POST('/api/houses/{id}/join-codes/sheet', { params: { path: { id: house.id } }, parseAs: 'blob' })),
    onSuccess: (file) => openFile(file as unknown as Blob, `join-${house.id}.pdf`),
    onError: (error) => tell(error),
  })
  return (
    <Stack gap="md">
      <div className={desk.tools}>
        <SearchField
          className={desk.grow}
          label={t('housing.flats.search')}
          value={search}
          onSearch={(text) => set({ search: text.trim() })}
        />
        {mayWrite && (
          <>
            <Button leftSection={<IconPlus size={20} aria-hidden />} onClick={() => setNew(true)}>
              {t('housing.flats.new')}
            </Button>
            <Button
              variant="default"
              leftSection={<IconPrinter size={20} aria-hidden />}
              loading={sheet.isPending}
              disabled={house.apartments_count === 0}
              onClick={() => sheet.mutate()}
            >
              {t('housing.flats.codes')}
            </Button>
          </>
        )}
      </div>
      {flats.isPending && <Skeleton height={400} radius="lg" />}
      {flats.isError && !rows && <Failure error={flats.error} retry={flats.refetch} />}
      {rows?.length === 0 && (
        <Empty
          title={t(search ? 'housing.flats.not_found' : 'housing.flats.none')}
          action={
            !search &&
            mayWrite && (
              <Button component={Link} to={`/admin/houses/${house.id}/import`} variant="default">
                {t('housing.import.open')}
              </Button>
            )
          }
        />
      )}
      {rows && rows.length > 0 && (
        <Paper withBorder component="ul" className={desk.list} aria-busy={flats.isPlaceholderData}>
          {rows.map((flat) => (
            <li key={flat.id} className={desk.row}>
              <div className={desk.grow}>
                <Link to={`/admin/flats/${flat.id}`} className={desk.whole}>
                  {t('housing.flat', { number: flat.number })}
                </Link>
                <Text size="sm" c="dimmed">
                  {t('housing.flats.account', { account: flat.account })} · {format.area(flat.area)}
                  {flat.ended_on && ` · ${t('housing.flats.ended', { day: format.day(flat.ended_on) })}`}
                  {flat.residents.length > 0 && ` · ${flat.residents.map((p) => p.full_name).join(', ')}`}
                </Text>
              </div>
              <div className={classes.end}>
                <Text fw={650}>{format.money(flat.balance)}</Text>
              </div>
            </li>
          ))}
        </Paper>
      )}
      {flats.hasNextPage && (
        <Center>
          <Button variant="default" loading={flats.isFetchingNextPage} onClick={() => flats.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
      {isNew && (
        <FormDialog
          title={t('housing.flats.new')}
          action={t('housing.add')}
          initial={{ number: '', area: '', account: '' }}
          fields={[
            { name: 'number', label: t('housing.flats.number') },
            { name: 'area', label: t('housing.flats.area'), type: 'decimal' },
            { name: 'account', label: t('housing.flats.account_number') },
          ]}
          onClose={() => setNew(false)}
          onSend={async (values) => {
            const body = { ...values, area: plainAmount(values.area) }
            await answer(
              api.POST('/api/houses/{id}/apartments', {
                params: { path: { id: house.id } },
                headers: once.keyFor(body),
                body,
              }),
            )
            await queries.invalidateQueries({ queryKey: ['housing'] })
          }}
        />
      )}
    </Stack>
  )
}
