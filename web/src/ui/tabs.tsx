import type { Icon } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'
import { NavLink, useLocation } from 'react-router'
import classes from './tabs.module.css'

type Tab = {
  to: string
  text: string
  icon: Icon
  /** Not open where an address goes on behind its own. */
  isExact?: boolean
}

/** The parts of a thing, each with an address of its own. */
export function Tabs({ label, tabs }: { label: string; tabs: Tab[] }) {
  const { pathname } = useLocation()
  const bar = useRef<HTMLElement>(null)
  // On a phone they do not all fit: the one that is open is brought into view.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is not used here, it is the signal
  useEffect(() => {
    const open = bar.current?.querySelector<HTMLElement>('[aria-current]')
    bar.current?.scrollTo({ left: open ? open.offsetLeft - 24 : 0 })
  }, [pathname])
  return (
    <nav className={classes.tabs} aria-label={label} ref={bar}>
      {tabs.map(({ to, text, icon: Icon, isExact = false }) => (
        <NavLink key={to} to={to} end={isExact} className={classes.tab}>
          <Icon size={20} aria-hidden />
          {text}
        </NavLink>
      ))}
    </nav>
  )
}
