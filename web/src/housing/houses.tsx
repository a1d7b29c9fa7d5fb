import { Button, Group, Paper, Skeleton, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'
import { answer, api } from '../api.ts'
import desk from '../ui/desk.module.css'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useOnce } from '../ui/once.ts'
import { Page } from '../ui/page.tsx'
import { Pager } from '../ui/pager.tsx'
import { useQueryState } from '../ui/query-state.ts'
import { SearchField } from '../ui/search-field.tsx'
import { Empty, Failure } from '../ui/states.tsx'
import { useHousingFormat } from './format.ts'
import { homeQueries } from './queries.ts'
import { useMayWrite } from './staff.ts'

/** All houses of the installation. */
export function Houses() {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const once = useOnce()
  const mayWrite = useMayWrite()
  const [isNew, setNew] = useState(false)
  const { page, get, set } = useQueryState()
  const search = get('search')
  const houses = useQuery(homeQueries.houses({ page, ...(search ? { search } : {}) }))
  const actions = (
    <Group gap="xs">
      <Button component={Link} to="/admin/houses/month" variant="default">
        {t('housing.town.open')}
      </Button>
      {mayWrite && (
        <Button leftSection={<IconPlus size={20} aria-hidden />} onClick={() => setNew(true)}>
          {t('housing.houses.new')}
        </Button>
      )}
    </Group>
  )
  return (
    <Page title={t('housing.houses.title')} lead={t('housing.houses.lead')} actions={actions}>
      <SearchField
        label={t('housing.houses.search')}
        value={search}
        onSearch={(text) => set({ search: text.trim() })}
      />
      {houses.isPending && <Skeleton height={300} radius="lg" />}
      {houses.isError && !houses.data && <Failure error={houses.error} retry={houses.refetch} />}
      {houses.data?.results.length === 0 && (
        <Empty title={t(search ? 'housing.houses.not_found' : 'housing.houses.none')}>
          {!search && t('housing.houses.none_text')}
        </Empty>
      )}
      {houses.data && houses.data.results.length > 0 && (
        <Paper withBorder component="ul" className={desk.list}>
          {houses.data.results.map((house) => (
            <li key={house.id} className={desk.row}>
              <div className={desk.grow}>
                <Link to={`/admin/houses/${house.id}/flats`} className={desk.whole}>
                  {house.address}
                </Link>
                <Text size="sm" c="dimmed">
                  {t('housing.houses.flats', { count: house.apartments_count })} · {format.area(house.total_area)}
                </Text>
              </div>
            </li>
          ))}
        </Paper>
      )}
      <Pager count={houses.data?.count ?? 0} size={20} page={page} onChange={(n) => set({ page: String(n) })} />
      {isNew && (
        <FormDialog
          title={t('housing.houses.new')}
          action={t('housing.add')}
          initial={{ address: '' }}
          fields={[{ name: 'address', label: t('housing.house.address'), hint: t('housing.house.address_hint') }]}
          onClose={() => setNew(false)}
          onSend={async (body) => {
            const made = await answer(api.POST('/api/houses', { headers: once.keyFor(body), body }))
            await queries.invalidateQueries({ queryKey: ['housing', 'houses'] })
            await navigate(`/admin/houses/${made.id}/import`)
          }}
        />
      )}
    </Page>
  )
}
