import { Button, Group, Paper, Stack, Title } from '@mantine/core'
import { IconBell, IconLogin2, IconLogout, IconUserCircle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link, Navigate, useOutletContext } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { useSignOut } from '../accounts/sign-out.ts'
import type { Link as Place } from '../module.ts'
import { useSession } from '../session.ts'
import { Page } from '../ui/page.tsx'
import { LanguageSwitch, ThemeSwitch } from '../ui/preferences.tsx'
import { Forbidden, Waiting } from '../ui/states.tsx'
import classes from './home.module.css'

/** What the shell hands to this page: the places that the bar of a phone has no room for. */
export type Places = { rest: Place[]; admin: Place[] }

/** All other places, for a phone. */
export function More() {
  const { t } = useTranslation()
  const session = useSession()
  const signOut = useSignOut()
  const { rest, admin } = useOutletContext<Places>()
  const isMember = session === 'member'
  return (
    <Page title={t('shell.more')} width={560} actions={<Switches />}>
      <Paper withBorder component="ul" className={classes.group}>
        {isMember ? (
          <>
            <Row to="/profile" icon={IconUserCircle} text={t('shell.profile')} />
            <Row to="/notifications" icon={IconBell} text={t('home.notifications.title')} />
          </>
        ) : (
          <Row to="/sign-in" icon={IconLogin2} text={t('shell.sign_in')} />
        )}
        {rest.map((link) => (
          <Row key={link.to} to={link.to} icon={link.icon} text={t(`shell.links.${link.name}`)} />
        ))}
      </Paper>
      {admin.length > 0 && (
        <Stack gap="sm" component="section">
          <Title order={2}>{t('shell.admin')}</Title>
          <Paper withBorder component="ul" className={classes.group}>
            {admin.map((link) => (
              <Row key={link.to} to={link.to} icon={link.icon} text={t(`shell.links.${link.name}`)} />
            ))}
          </Paper>
        </Stack>
      )}
      {isMember && (
        <Button
          variant="default"
          leftSection={<IconLogout size={20} />}
          loading={signOut.isPending}
          onClick={() => signOut.mutate()}
        >
          {t('accounts.profile.sign_out')}
        </Button>
      )}
    </Page>
  )
}

/** The first of the pages of whoever manages something; for the others there is none. */
export function Admin() {
  const { admin } = useOutletContext<Places>()
  const session = useSession()
  const { data: profile } = useProfile()
  if (session === 'visitor') return <Navigate to="/sign-in?next=%2Fadmin" replace />
  if (!profile) return <Waiting />
  return admin[0] ? <Navigate to={admin[0].to} replace /> : <Forbidden />
}

const Switches = () => (
  <Group gap={4}>
    <LanguageSwitch />
    <ThemeSwitch />
  </Group>
)

function Row({ to, icon: Icon, text }: { to: string; icon: Place['icon']; text: string }) {
  return (
    <li>
      <Link to={to} className={classes.place}>
        <Icon size={24} aria-hidden />
        {text}
      </Link>
    </li>
  )
}
