import { Alert, Avatar, Button, Group, Skeleton, VisuallyHidden } from '@mantine/core'
import { useNetwork } from '@mantine/hooks'
import { IconDots, IconHome2, IconUserCircle, IconWifiOff } from '@tabler/icons-react'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { NavLink, Outlet, Link as RouterLink, ScrollRestoration, useLocation } from 'react-router'
import { initialsOf, type Profile, useProfile } from './accounts/queries.ts'
import { chooseLanguage, hasChosenLanguage } from './i18n.ts'
import type { Link, Role, WebModule } from './module.ts'
import { Bell } from './platform/bell.tsx'
import type { Places } from './platform/more.tsx'
import { useOrganisation } from './platform/queries.ts'
import { onLoginAgain, useSession } from './session.ts'
import classes from './shell.module.css'
import { Logo } from './ui/logo.tsx'
import { LanguageSwitch, ThemeSwitch } from './ui/preferences.tsx'

const mayOpen = (link: Link, role: Role | undefined) =>
  link.for === 'anyone' || (role !== undefined && (link.for === 'member' || link.for.includes(role)))

const barNames = ['bills', 'collects', 'shop']
const barOrder = ({ bar }: Link) => barNames.indexOf(bar ?? '')

/** What surrounds every page: the bar at the top, the bar at the bottom of a phone, and notices of the connection. */
export function Shell({ modules }: { modules: WebModule[] }) {
  const { t, i18n } = useTranslation()
  const session = useSession()
  const { online } = useNetwork()
  const { pathname } = useLocation()
  const { data: organisation } = useOrganisation()
  const { data: profile } = useProfile()
  const role = profile?.role

  // The account's language serves where this browser has none of its own.
  const locale = profile?.locale
  useEffect(() => {
    if (locale && locale !== i18n.language && !hasChosenLanguage()) void chooseLanguage(locale)
  }, [locale, i18n])

  useArrival(pathname)
  const running = modules.filter((m) => m.name === 'platform' || organisation?.modules.includes(m.name) !== false)
  const links = running.flatMap((m) => m.links).filter((link) => mayOpen(link, role))
  const adminLinks = running.flatMap((m) => m.adminLinks).filter((link) => mayOpen(link, role))
  const inAdmin = pathname.startsWith('/admin')
  const isAt = ({ to, under = [] }: Link) =>
    [to, ...under].some((place) => pathname === place || pathname.startsWith(`${place}/`))
  // In the order in which people look for them: one's bills come before what all give to.
  const inBar = links.filter((link) => link.bar).toSorted((a, b) => barOrder(a) - barOrder(b))
  const isElsewhere = pathname !== '/' && !inBar.some(isAt)
  const name = organisation?.name ?? ''
  const here = encodeURIComponent(pathname)
  const signIn = pathname === '/sign-in' || pathname === '/register' ? '/sign-in' : `/sign-in?next=${here}`

  return (
    <div className={classes.shell}>
      <a className={classes.skip} href="#content">
        {t('shell.to_content')}
      </a>
      <header className={classes.header}>
        <div className={classes.bar}>
          <RouterLink to="/" className={classes.brand} aria-label={t('shell.home', { name })}>
            <Logo />
            <span className={classes.name}>{name}</span>
          </RouterLink>
          <nav className={classes.links} aria-label={t('shell.main_links')}>
            {links.map((link) => (
              <NavLink key={link.to} to={link.to} className={classes.link}>
                {t(`shell.links.${link.name}`)}
                <Badge link={link} />
              </NavLink>
            ))}
            {adminLinks[0] && (
              <RouterLink to={adminLinks[0].to} className={classes.link} aria-current={inAdmin ? 'page' : undefined}>
                {t('shell.admin')}
              </RouterLink>
            )}
          </nav>
          <Group gap={4} wrap="nowrap">
            <LanguageSwitch />
            <ThemeSwitch />
            {session === 'starting' && <Skeleton circle height={40} ml={4} className={classes.wide} />}
            {session === 'member' && <Bell />}
            {session === 'member' && (
              <RouterLink to="/profile" className={classes.me}>
                <VisuallyHidden>{t('shell.profile')}</VisuallyHidden>
                <Avatar size={40} color="yard" variant="filled" aria-hidden>
                  {profile && initialsOf(profile)}
                </Avatar>
              </RouterLink>
            )}
            {(session === 'visitor' || session === 'away') && (
              <Button component={RouterLink} to={signIn} className={classes.wide} ml={8}>
                {t('shell.sign_in')}
              </Button>
            )}
          </Group>
        </div>
        {!online && (
          <Alert className={classes.notice} color="yellow" icon={<IconWifiOff />} role="status">
            {t('shell.offline')}
          </Alert>
        )}
      </header>

      {inAdmin && adminLinks.length > 1 && <AdminLinks links={adminLinks} />}
      <main id="content" className={classes.main} tabIndex={-1}>
        <Outlet context={{ rest: links.filter((link) => !link.bar), admin: adminLinks } satisfies Places} />
      </main>

      <nav className={classes.bottom} aria-label={t('shell.main_links')}>
        {session === 'member' && (
          <NavLink to="/" end className={classes.tab}>
            <IconHome2 size={24} aria-hidden />
            {t('shell.links.home')}
          </NavLink>
        )}
        {inBar.map((link) => (
          <RouterLink key={link.to} to={link.to} className={classes.tab} aria-current={isAt(link) ? 'page' : undefined}>
            <link.icon size={24} aria-hidden />
            {t(`shell.links.${link.bar ?? link.name}`)}
            <Badge link={link} />
          </RouterLink>
        ))}
        {session === 'member' ? (
          <RouterLink to="/more" className={classes.tab} aria-current={isElsewhere ? 'page' : undefined}>
            <IconDots size={24} aria-hidden />
            {t('shell.more')}
          </RouterLink>
        ) : (
          <NavLink to={signIn} className={classes.tab}>
            <IconUserCircle size={24} aria-hidden />
            {t('shell.sign_in')}
          </NavLink>
        )}
      </nav>
      {profile && <AskAgain profile={profile} />}
      <ScrollRestoration />
    </div>
  )
}

/** After a change of page its heading has the focus, so that whoever does not see it hears where they are. */
function useArrival(pathname: string) {
  const before = useRef(pathname)
  useEffect(() => {
    if (before.current === pathname) return
    before.current = pathname
    const arrive = () => {
      const heading = document.querySelector<HTMLElement>('#content h1')
      if (!heading) return false
      // Where the page itself has chosen a field, that is where the person is.
      if (!document.querySelector('#content')?.contains(document.activeElement)) {
        heading.tabIndex = -1
        heading.focus({ preventScroll: true })
      }
      return true
    }
    if (arrive()) return
    const watch = new MutationObserver(() => {
      if (arrive()) watch.disconnect()
    })
    watch.observe(document.getElementById('content')!, { childList: true, subtree: true })
    return () => watch.disconnect()
  }, [pathname])
}

const noBadge = () => ({ count: 0, words: '' })

/** How many things wait behind a link. */
function Badge({ link: { useBadge = noBadge } }: { link: Link }) {
  const { count, words } = useBadge()
  if (!count) return null
  return (
    <span className={classes.badge}>
      <span aria-hidden>{count}</span>
      <VisuallyHidden>{words}</VisuallyHidden>
    </span>
  )
}

const LoginAgain = lazy(async () => ({ default: (await import('./accounts/login-again.tsx')).LoginAgain }))

/** Asks a person to sign in again where they are, when their login has ended or is too old; what they typed stays. */
function AskAgain({ profile }: { profile: Profile }) {
  const [answer, setAnswer] = useState<(done: boolean) => void>()
  useEffect(() => onLoginAgain(() => new Promise((resolve) => setAnswer(() => resolve))), [])
  if (!answer) return null
  return (
    <Suspense>
      <LoginAgain
        profile={profile}
        onClose={(done) => {
          setAnswer(undefined)
          answer(done)
        }}
      />
    </Suspense>
  )
}

function AdminLinks({ links }: { links: Link[] }) {
  const { t } = useTranslation()
  const { pathname } = useLocation()
  const bar = useRef<HTMLElement>(null)
  // On a phone they do not all fit: the one that is open is brought into view.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is not used here, it is the signal
  useEffect(() => {
    const open = bar.current?.querySelector<HTMLElement>('[aria-current]')
    bar.current?.scrollTo({ left: open ? open.offsetLeft - 24 : 0 })
  }, [pathname])
  return (
    <nav className={classes.admin} aria-label={t('shell.admin_links')} ref={bar}>
      {links.map((link) => (
        <NavLink key={link.to} to={link.to} className={classes.adminLink}>
          <link.icon size={20} aria-hidden />
          {t(`shell.links.${link.name}`)}
        </NavLink>
      ))}
    </nav>
  )
}
