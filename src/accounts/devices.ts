import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import type { Tx } from '../platform/database.ts'
import { networkOf } from '../platform/limits.ts'
import type { Platform } from '../platform/module.ts'

/** From what somebody logs in. A browser is known again by the cookie `device`, anything else by its name and network. */
export type Device = { name: string | null; address: string; mark: string; cookie?: string }

const browsers: [name: string, sign: RegExp][] = [
  ['Yandex Browser', /YaBrowser\//],
  ['Edge', /Edg(A|iOS)?\//],
  ['Opera', /OPR\//],
  ['Samsung Internet', /SamsungBrowser\//],
  ['Firefox', /Firefox\/|FxiOS\//],
  ['Chrome', /Chrome\/|CriOS\//],
  ['Safari', /Version\/[\d.]+ .*Safari\//],
]
const systems: [name: string, sign: RegExp][] = [
  ['Windows', /Windows/],
  ['Android', /Android/],
  ['iPhone', /iPhone/],
  ['iPad', /iPad/],
  ['macOS', /Mac OS X|Macintosh/],
  ['ChromeOS', /CrOS/],
  ['Linux', /Linux|X11/],
]

/** What people call the device of a user agent: `Firefox, Windows`; of a program its own name; null if it names none. */
export function deviceName(userAgent: string | undefined): string | null {
  const text = userAgent?.slice(0, 500) ?? ''
  const find = (list: [string, RegExp][]) => list.find(([, sign]) => sign.test(text))?.[0]
  const known = [find(browsers), find(systems)].filter(Boolean).join(', ')
  return known || /^[\w.-]{1,60}/.exec(text)?.[0] || null
}

/** The device of a request; a browser that is not known yet gets a mark of its own, for the cookie of the answer. */
export function deviceOf(req: FastifyRequest): Device {
  const name = deviceName(req.headers['user-agent'])
  if (req.headers['x-dvor-session'] !== 'cookie') return { name, address: req.ip, mark: `${name} ${networkOf(req.ip)}` }
  return { ...browserOf(req), name }
}

/** A browser, by its cookie; for ways to log in by which only browsers come. */
export function browserOf(req: FastifyRequest): Device {
  const { device = '' } = req.cookies
  const cookie = /^[\w-]{22}$/.test(device) ? device : randomBytes(16).toString('base64url')
  return { name: deviceName(req.headers['user-agent']), address: req.ip, mark: cookie, cookie }
}

/** Notes that the account is used from this device; true if it never was, though it was from others. */
export async function meetDevice(platform: Platform, tx: Tx, userId: number, { mark }: Device): Promise<boolean> {
  const { rows } = await sql<{ is_new: boolean }>`
    with met as (
      insert into accounts.devices (user_id, key) values (${userId}, ${platform.derive('device', mark)})
      on conflict (user_id, key) do update set last_used_at = now() returning xmax = 0 fresh)
    select fresh and exists (select from accounts.devices where user_id = ${userId}) is_new from met`.execute(tx)
  return rows[0]!.is_new
}
