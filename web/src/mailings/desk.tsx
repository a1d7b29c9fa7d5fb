import { IconChartBar, IconHandStop, IconSend, IconUsers } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Page } from '../ui/page.tsx'
import { Tabs } from '../ui/tabs.tsx'

type Props = { title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode }

/** A page of the operator, with the way to the others. */
export function Desk({ title, lead, actions, children }: Props) {
  const { t } = useTranslation()
  return (
    <Page title={title} lead={lead} actions={actions}>
      <Tabs
        label={t('mailings.sections')}
        tabs={[
          { to: '/admin/mailings', text: t('mailings.list.title'), icon: IconSend, isExact: true },
          { to: '/admin/mailings/clients', text: t('mailings.clients.title'), icon: IconUsers },
          { to: '/admin/mailings/stops', text: t('mailings.stops.title'), icon: IconHandStop },
          { to: '/admin/mailings/statistics', text: t('mailings.statistics.title'), icon: IconChartBar },
        ]}
      />
      {children}
    </Page>
  )
}
