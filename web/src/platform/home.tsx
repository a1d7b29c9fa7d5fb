import { Button, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconFileInvoice, IconFlag, IconGauge, IconSunHigh, IconTruckDelivery } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link, Navigate } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { Problem } from '../api.ts'
import { CollectCard } from '../collects/card.tsx'
import { useFormat } from '../format.ts'
import { refreshSession, useSession } from '../session.ts'
import list from '../ui/list.module.css'
import { Page } from '../ui/page.tsx'
import { Failure } from '../ui/states.tsx'
import classes from './home.module.css'
import { NotificationRow } from './notification-row.tsx'
import { type HomeCard, platformQueries } from './queries.ts'

const icons: Record<string, typeof IconFlag> = {
  'housing.bill': IconFileInvoice,
  'housing.readings': IconGauge,
  'shop.order': IconTruckDelivery,
  'collects.ends': IconFlag,
}

/** Where a resident begins: what needs them now, what the courtyard collects for, what they were told. */
export function Home() {
  const { t } = useTranslation()
  const session = useSession()
  const { data: profile } = useProfile()
  const home = useQuery({ ...platformQueries.home, enabled: session === 'member' })
  if (session === 'visitor') return <Navigate to="/collects" replace />
  if (session === 'away') return <Failure order={1} error={new Problem(0)} retry={refreshSession} />
  if (home.isError && !home.data) return <Failure order={1} error={home.error} retry={home.refetch} />
  const name = profile?.first_name
  const { cards, live_collects: live = [], notifications = [], months = [] } = home.data ?? {}

  return (
    <Page title={name ? t('home.title', { name }) : t('home.title_nobody')} width={960}>
      {!cards && <Skeleton height={260} radius="lg" />}
      {cards?.length === 0 && (
        <div className={classes.nothing}>
          <IconSunHigh size={28} aria-hidden />
          <Text>{t('home.nothing')}</Text>
        </div>
      )}
      {cards && cards.length > 0 && (
        <ul className={classes.cards} aria-label={t('home.now')}>
          {cards.map((card) => (
            <Needed key={card.path + card.kind} card={card} />
          ))}
        </ul>
      )}
      {live.length > 0 && (
        <Stack gap="md" component="section">
          <div className={classes.head}>
            <Title order={2}>{t('home.collects')}</Title>
            <Link to="/collects" className={classes.all}>
              {t('home.all_collects')}
            </Link>
          </div>
          <div className={list.grid}>
            {live.map((collect) => (
              <CollectCard
                key={collect.id}
                collect={collect}
                seed={collect.id}
                to={`/collects/${collect.id}`}
                level={3}
              />
            ))}
          </div>
        </Stack>
      )}
      {notifications.length > 0 && (
        <Stack gap="md" component="section">
          <div className={classes.head}>
            <Title order={2}>{t('home.notifications.title')}</Title>
            <Link to="/notifications" className={classes.all}>
              {t('home.all_notifications')}
            </Link>
          </div>
          <Paper withBorder component="ul" className={classes.told}>
            {notifications.map((told) => (
              <NotificationRow key={told.id} told={told} />
            ))}
          </Paper>
        </Stack>
      )}
      {months.some(({ billed, paid }) => Number(billed) !== 0 || Number(paid) !== 0) && <Year months={months} />}
    </Page>
  )
}

function Needed({ card }: { card: HomeCard }) {
  const Icon = icons[card.kind] ?? IconFlag
  return (
    <Paper withBorder component="li" className={classes.card} data-kind={card.kind}>
      <span className={classes.icon}>
        <Icon size={26} aria-hidden />
      </span>
      <div className={classes.words}>
        <Title order={2} size="h3">
          {card.title}
        </Title>
        <Text c="dimmed">{card.text}</Text>
      </div>
      <Button component={Link} to={card.path} className={classes.verb} aria-label={`${card.action}: ${card.title}`}>
        {card.action}
      </Button>
    </Paper>
  )
}

type Month = { month: string; billed: string; paid: string }

/** A quiet line of twelve months: what was charged, and how much of it was paid; a table for who does not see it. */
function Year({ months }: { months: Month[] }) {
  const { t, i18n } = useTranslation()
  const { money } = useFormat()
  const most = Math.max(...months.flatMap(({ billed, paid }) => [Number(billed), Number(paid)]), 1)
  const nameOf = (month: string, form: 'short' | 'long') =>
    new Intl.DateTimeFormat(i18n.language, { month: form, timeZone: 'UTC' }).format(new Date(`${month}-15T00:00:00Z`))
  const sum = (key: 'billed' | 'paid') =>
    (months.reduce((all, month) => all + Math.round(Number(month[key]) * 100), 0) / 100).toFixed(2)
  return (
    <Stack gap="sm" component="section">
      <Title order={2}>{t('home.year')}</Title>
      <Text c="dimmed">{t('home.year_sums', { billed: money(sum('billed')), paid: money(sum('paid')) })}</Text>
      <div className={classes.year} aria-hidden>
        {months.map(({ month, billed, paid }) => (
          <div
            key={month}
            className={classes.month}
            title={`${nameOf(month, 'long')}: ${money(billed)} / ${money(paid)}`}
          >
            <div className={classes.bars}>
              <span className={classes.billed} style={{ height: `${(Number(billed) / most) * 100}%` }} />
              <span className={classes.paid} style={{ height: `${(Math.max(0, Number(paid)) / most) * 100}%` }} />
            </div>
            <span className={classes.monthName}>{nameOf(month, 'short').replace('.', '').slice(0, 3)}</span>
          </div>
        ))}
      </div>
      <div className={classes.legend} aria-hidden>
        <span>
          <i className={classes.billed} /> {t('home.billed')}
        </span>
        <span>
          <i className={classes.paid} /> {t('home.paid')}
        </span>
      </div>
      <table className={classes.hidden}>
        <caption>{t('home.year')}</caption>
        <thead>
          <tr>
            <th>{t('home.month')}</th>
            <th>{t('home.billed')}</th>
            <th>{t('home.paid')}</th>
          </tr>
        </thead>
        <tbody>
          {months.map(({ month, billed, paid }) => (
            <tr key={month}>
              <th>{nameOf(month, 'long')}</th>
              <td>{money(billed)}</td>
              <td>{money(paid)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Stack>
  )
}
