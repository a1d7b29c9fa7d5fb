import { ActionIcon, Indicator } from '@mantine/core'
import { IconBell } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { platformQueries } from './queries.ts'

/** The bell of the header, with how much is unread. */
export function Bell() {
  const { t } = useTranslation()
  const { data } = useQuery(platformQueries.unread)
  const unread = data?.unread ?? 0
  return (
    <Indicator label={unread > 99 ? '99+' : unread} size={18} offset={8} disabled={unread === 0} color="red">
      <ActionIcon
        component={Link}
        to="/notifications"
        variant="subtle"
        color="gray"
        c="dimmed"
        aria-label={unread ? t('home.notifications.unread', { count: unread }) : t('home.notifications.title')}
      >
        <IconBell size={22} />
      </ActionIcon>
    </Indicator>
  )
}
