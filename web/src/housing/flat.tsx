import { Skeleton } from '@mantine/core'
import { IconChartBar, IconFileInvoice, IconGauge, IconWallet } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Outlet, useParams } from 'react-router'
import { Problem } from '../api.ts'
import { Page } from '../ui/page.tsx'
import { Failure, NotFound } from '../ui/states.tsx'
import { Tabs } from '../ui/tabs.tsx'
import { type Apartment, type HouseDetail, homeQueries } from './queries.ts'

export type FlatContext = { flat: Apartment; house: HouseDetail }

/** A resident's flat: its readings, bills, account and water. */
export function FlatPage() {
  const { t } = useTranslation()
  const id = Number(useParams().id)
  const flat = useQuery(homeQueries.flat(id))
  const house = useQuery({ ...homeQueries.house(flat.data?.house ?? 0), enabled: flat.data !== undefined })
  const error = flat.error ?? house.error
  if (error instanceof Problem && error.status === 404) return <NotFound />
  if (error && !(flat.data && house.data))
    return <Failure order={1} error={error} retry={() => Promise.all([flat.refetch(), house.refetch()])} />
  if (!flat.data || !house.data) return <Skeleton height={420} radius="lg" />
  const base = `/flat/${id}`
  return (
    <Page title={t('housing.flat', { number: flat.data.number })} lead={house.data.address} width={760}>
      <Tabs
        label={t('housing.sections')}
        tabs={[
          { to: `${base}/readings`, text: t('housing.readings.title'), icon: IconGauge },
          { to: `${base}/bills`, text: t('housing.bills.title'), icon: IconFileInvoice },
          { to: `${base}/account`, text: t('housing.account.title'), icon: IconWallet },
          { to: `${base}/water`, text: t('housing.water.title'), icon: IconChartBar },
        ]}
      />
      <Outlet context={{ flat: flat.data, house: house.data } satisfies FlatContext} />
    </Page>
  )
}
