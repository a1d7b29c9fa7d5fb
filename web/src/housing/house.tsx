import { Skeleton } from '@mantine/core'
import { IconCalculator, IconCoins, IconDoor, IconFileImport, IconGauge, IconSettings } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Outlet, useOutletContext, useParams } from 'react-router'
import { Problem } from '../api.ts'
import { Page } from '../ui/page.tsx'
import { Failure, Forbidden, NotFound } from '../ui/states.tsx'
import { Tabs } from '../ui/tabs.tsx'
import { useHousingFormat } from './format.ts'
import { type HouseDetail, homeQueries } from './queries.ts'
import { useMayWrite } from './staff.ts'

export type HouseContext = { house: HouseDetail; mayWrite: boolean }

/** A house as its bookkeeper has it. */
export function HousePage() {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const mayWrite = useMayWrite()
  const id = Number(useParams().id)
  const { data: house, error, refetch } = useQuery(homeQueries.house(id))
  if (error instanceof Problem && error.status === 404) return <NotFound />
  if (error && !house) return <Failure order={1} error={error} retry={refetch} />
  if (!house) return <Skeleton height={420} radius="lg" />
  const base = `/admin/houses/${id}`
  const writing = mayWrite
    ? [
        { to: `${base}/import`, text: t('housing.import.title'), icon: IconFileImport },
        { to: `${base}/settings`, text: t('housing.house.title'), icon: IconSettings },
      ]
    : []
  return (
    <Page
      title={house.address}
      lead={`${t('housing.houses.flats', { count: house.apartments_count })} · ${format.area(house.total_area)}`}
    >
      <Tabs
        label={t('housing.house.sections')}
        tabs={[
          { to: `${base}/flats`, text: t('housing.flats.title'), icon: IconDoor },
          { to: `${base}/readings`, text: t('housing.readings.title'), icon: IconGauge },
          { to: `${base}/run`, text: t('housing.run.title'), icon: IconCalculator },
          { to: `${base}/debtors`, text: t('housing.debtors.title'), icon: IconCoins },
          ...writing,
        ]}
      />
      <Outlet context={{ house, mayWrite } satisfies HouseContext} />
    </Page>
  )
}

/** Pages of a house that are for those who may change it. */
export function WritersOnly() {
  const context = useOutletContext<HouseContext>()
  return context.mayWrite ? <Outlet context={context} /> : <Forbidden />
}
