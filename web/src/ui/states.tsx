import { Button, Center, Loader, Stack, Text, Title } from '@mantine/core'
import { IconCloudOff, IconLeaf, IconLock, IconRefresh, IconRoute } from '@tabler/icons-react'
import { type ReactNode, useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { isAway, Problem } from '../api.ts'
import { TabTitle } from './page.tsx'
import classes from './states.module.css'

type Props = { icon: ReactNode; title: string; order?: 1 | 2; children?: ReactNode; action?: ReactNode }

function Notice({ icon, title, order = 2, children, action }: Props) {
  return (
    <Center className={classes.notice}>
      <Stack align="center" gap="md" maw={440} ta="center">
        <div className={classes.icon} aria-hidden="true">
          {icon}
        </div>
        <Title order={order} size="h2">
          {title}
        </Title>
        <Text c="dimmed" component="div">
          {children}
        </Text>
        {action}
      </Stack>
    </Center>
  )
}

/** A list with nothing in it, and what to do next. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Notice icon={<IconLeaf size={34} />} title={title} action={action}>
      {children}
    </Notice>
  )
}

export function NotFound() {
  const { t } = useTranslation()
  const home = (
    <Button component={Link} to="/">
      {t('shell.not_found.action')}
    </Button>
  )
  return (
    <>
      <TabTitle title={t('shell.not_found.title')} />
      <Notice order={1} icon={<IconRoute size={34} />} title={t('shell.not_found.title')} action={home}>
        {t('shell.not_found.text')}
      </Notice>
    </>
  )
}

export function Forbidden() {
  const { t } = useTranslation()
  return (
    <>
      <TabTitle title={t('shell.forbidden.title')} />
      <Notice order={1} icon={<IconLock size={34} />} title={t('shell.forbidden.title')}>
        {t('shell.forbidden.text')}
      </Notice>
    </>
  )
}

/** Instead of what could not be loaded: the reason in plain words, and another try. */
export function Failure({ error, retry, order }: { error: unknown; retry: () => unknown; order?: 1 | 2 }) {
  const { t } = useTranslation()
  const id = error instanceof Problem && error.status >= 500 && error.instance
  const words = error instanceof Problem && error.status !== 0 && error.message
  const again = (
    <Button leftSection={<IconRefresh size={20} />} onClick={() => retry()}>
      {t('shell.failure.retry')}
    </Button>
  )
  return (
    <div role="alert">
      <Notice order={order} icon={<IconCloudOff size={34} />} title={t('shell.failure.title')} action={again}>
        {words || t(isAway(error) ? 'shell.failure.away' : 'shell.failure.other')}
        {id && (
          <Text size="sm" mt="xs">
            {t('shell.failure.request', { id })}
          </Text>
        )}
      </Notice>
    </div>
  )
}

/** A page whose code failed; a reload also fetches the newest version of the app. */
export function Crashed() {
  const { t } = useTranslation()
  return (
    <main>
      <title>{t('shell.failure.title')}</title>
      <Failure order={1} error={undefined} retry={() => location.reload()} />
    </main>
  )
}

/** A page that could not be loaded, in its place; it comes by itself when the network is back. */
export function Broken() {
  useEffect(() => {
    // A browser remembers that a script did not come: only a new page asks again.
    const again = () => location.reload()
    addEventListener('online', again)
    return () => removeEventListener('online', again)
  }, [])
  return <Failure order={1} error={navigator.onLine ? undefined : new Problem(0)} retry={() => location.reload()} />
}

export function Waiting() {
  const { t } = useTranslation()
  return (
    <Center mih="50vh">
      <Loader aria-label={t('shell.loading')} role="status" />
    </Center>
  )
}
