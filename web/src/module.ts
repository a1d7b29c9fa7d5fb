import type { Icon } from '@tabler/icons-react'
import type { RouteObject } from 'react-router'
import type { Shapes } from './api.ts'

export type Role = Shapes['Profile']['role']
export type LinkName =
  | 'collects'
  | 'payments'
  | 'flat'
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
export type Link = { to: string; name: LinkName; icon: Icon; for: 'anyone' | 'member' | Role[] }

/** What a folder of screens gives the shell; shown when the installation runs the module of this name. */
export type WebModule = {
  name: string
  routes: RouteObject[]
  /** In the bar at the top, or at the bottom of a phone. */
  links: Link[]
  /** Among the pages of the administrator. */
  adminLinks: Link[]
}
