import { type Static, Type } from 'typebox'
import { Instant, NoQuery, Nullable } from '../http/schemas.ts'
import type { User } from '../platform/access.ts'
import type { App } from '../platform/fastify.ts'
import { chooseCards } from '../platform/home.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'
import { lastNotifications, Notification } from './notifications.ts'

const mostCards = 3
const mostNotifications = 3

const Card = Type.Object({
  kind: Type.String({ examples: ['housing.bill'] }),
  title: Type.String({ examples: ['Счёт за октябрь 2026 г.'] }),
  text: Type.String({ examples: ['К оплате 4 200,50 ₽ до 15 ноября'] }),
  action: Type.String({ description: 'What there is to do', examples: ['Оплатить'] }),
  path: Type.String({ description: 'The page of the web app', examples: ['/bills/12'] }),
  due: Nullable(Instant),
})

/** The home of the modules that run: what each of them brings stands beside the cards. */
const homeOf = ({ home }: Platform) =>
  Type.Object({
    cards: Type.Array(Card, { description: `What needs the caller now, the most urgent first; at most ${mostCards}` }),
    notifications: Type.Array(Notification, { description: 'The last ones' }),
    ...Object.assign({}, ...home.map(({ resident }) => resident?.shape ?? {})),
  })

export function homeRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/home',
    {
      config: { access: 'user' },
      schema: {
        summary: 'What needs the caller now, and what is going on',
        querystring: NoQuery,
        response: { 200: homeOf(platform) },
      },
    },
    (req) => readHome(platform, req.user, req.locale) as Promise<never>,
  )
}

/** The home of a person, every module's part read at the same time. */
export async function readHome(platform: Platform, user: User, locale: Locale) {
  const [notifications, ...parts] = await Promise.all([
    lastNotifications(platform, user, mostNotifications, locale),
    ...platform.home.flatMap(({ resident }) => resident?.read(platform, user, locale) ?? []),
  ])
  const cards = chooseCards(
    parts.flatMap((part) => part.cards),
    mostCards,
  )
  return { ...Object.assign({}, ...parts), cards, notifications } as Static<ReturnType<typeof homeOf>>
}
