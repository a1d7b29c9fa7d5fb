import { Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useLocation, useNavigate, useSearchParams } from 'react-router'
import { beginSession } from '../session.ts'
import { TabTitle } from '../ui/page.tsx'
import { Scene } from '../ui/scene.tsx'
import classes from './entrance.module.css'

/** What a person is asked at the entrance, beside a view of the courtyard. */
export function Entrance({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  return (
    <div className={classes.frame}>
      <TabTitle title={title} />
      <div className={classes.view}>
        <Scene kind="yard" seed={4} />
      </div>
      <Stack className={classes.form} gap="lg">
        <Stack gap={6}>
          <Title order={1}>{title}</Title>
          <Text c="dimmed">{lead}</Text>
        </Stack>
        {children}
      </Stack>
    </div>
  )
}

/** Where the person was going; never to another site, whatever a link says. */
export function useNext(): string {
  const [params] = useSearchParams()
  const next = params.get('next') ?? '/'
  return /^\/(?![/\\])/.test(next) ? next : '/'
}

/** Begins the session and goes where the person was going. */
export function useEnter() {
  const navigate = useNavigate()
  const next = useNext()
  return (tokens: { access: string }) => {
    beginSession(tokens)
    void navigate(next, { replace: true })
  }
}

/** The rest of the address, so that the way from one form to the other does not forget where a person was going. */
export const useSearch = () => useLocation().search
