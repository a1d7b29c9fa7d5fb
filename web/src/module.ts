import type { Icon } from '@tabler/icons-react'
import type { RouteObject } from 'react-router'
import type { Shapes } from './api.ts'

export type Role = Shapes['Profile']['role']
export type LinkName =
  | 'collects'
  | 'payments'
  | 'flat'
  | 'bills'
  | 'my_orders'
  | 'houses'
  | 'tariffs'
  | 'mailings'
  | 'shop'
  | 'orders'
  | 'products'
  | 'users'
  | 'outbox'
  | 'jobs'
  | 'organisation'

/** A place to go to. `for`: everyone, who is signed in, or the roles that may. */
export type Link = {
  to: string
  name: LinkName
  icon: Icon
  for: 'anyone' | 'member' | Role[]
  /** In the bar of a phone, which has five places, by this name. */
  bar?: LinkName
  /** A hook: how many things wait there, in figures and in words. */
  useBadge?: () => { count: number; words: string }
  /** Beginnings of other addresses that belong to it. */
  under?: string[]
}

/** What a folder of screens gives the shell; shown when the installation runs the module of this name. */
export type WebModule = {
  name: string
  routes: RouteObject[]
  /** In the bar at the top, or at the bottom of a phone. */
  links: Link[]
  /** Among the pages of the administrator. */
  adminLinks: Link[]
}
