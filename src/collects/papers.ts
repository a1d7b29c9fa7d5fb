import { sql } from 'kysely'
import type { User } from '../platform/access.ts'
import { notFound } from '../platform/errors.ts'
import { formatsOf } from '../platform/formats.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'
import type { CollectPaper } from './paper-page.ts'

const drawPaper = new URL('./paper-page.ts', import.meta.url)

type Announced = {
  title: string
  description: string
  target_amount: string | null
  ends_at: string
  created_at: string
  author: string
  organisation: string
}

/** A poster of a collect to hang up: what it is for, and a QR code that leads to it. */
export async function printPoster(platform: Platform, id: number, locale: Locale): Promise<Buffer> {
  const { db, config, translate } = platform
  const { rows } = await sql<Announced>`
    select c.title, c.description, c.target_amount, c.ends_at, c.created_at, u.full_name author, n.name organisation
    from collects.collects c join accounts.users u on u.id = c.author_id cross join platform.installation n
    where c.id = ${id}`.execute(db)
  const collect = rows[0]
  if (!collect) throw notFound()
  const { money, day } = formatsOf(platform, locale)
  const t = (word: string, params?: object) => translate(locale, `collects.paper.${word}`, { ...params })
  const paper: CollectPaper = {
    lang: locale,
    createdAt: collect.created_at,
    organisation: collect.organisation,
    kicker: t('we_collect'),
    title: collect.title,
    text: collect.description,
    facts: [
      ...(collect.target_amount ? [{ label: t('target'), value: money(collect.target_amount) }] : []),
      { label: t('until'), value: day(collect.ends_at) },
      { label: t('organiser'), value: collect.author },
    ],
    link: { url: `${config.PUBLIC_URL}/collects/${id}`, words: t('scan') },
    foot: t('foot', { organisation: collect.organisation }),
  }
  return platform.draw(drawPaper, paper)
}

type Received = {
  amount: string
  status: string
  transaction_id: string
  created_at: string
  refunded_at: string | null
  collect_id: number
  title: string
  full_name: string
  organisation: string
}

/** The receipt of a payment, for whoever paid. */
export async function printReceipt(platform: Platform, user: User, id: number, locale: Locale): Promise<Buffer> {
  const { db, config, translate } = platform
  const { rows } = await sql<Received>`
    select p.amount, p.status, p.transaction_id, p.created_at, p.refunded_at, c.id collect_id, c.title, u.full_name,
      n.name organisation
    from collects.payments p join collects.collects c on c.id = p.collect_id join accounts.users u on u.id = p.payer_id
      cross join platform.installation n
    where p.id = ${id} and p.payer_id = ${user.id}`.execute(db)
  const payment = rows[0]
  if (!payment) throw notFound()
  const { money, time } = formatsOf(platform, locale)
  const t = (word: string, params?: object) => translate(locale, `collects.paper.${word}`, { ...params })
  const paper: CollectPaper = {
    lang: locale,
    createdAt: payment.created_at,
    organisation: payment.organisation,
    kicker: t('receipt', { number: id }),
    title: money(payment.amount),
    text: payment.title,
    facts: [
      { label: t('payer'), value: payment.full_name },
      { label: t('paid_at'), value: time(payment.created_at) },
      { label: t('operation'), value: payment.transaction_id },
      ...(payment.refunded_at ? [{ label: t('refunded_at'), value: time(payment.refunded_at) }] : []),
    ],
    link: { url: `${config.PUBLIC_URL}/collects/${payment.collect_id}`, words: t('scan_receipt') },
    foot: t('foot', { organisation: payment.organisation }),
  }
  return platform.draw(drawPaper, paper)
}
