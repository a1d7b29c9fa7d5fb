import { sql } from 'kysely'
import { parsePhoneNumberFromString } from 'libphonenumber-js'
import { transaction } from '../platform/database.ts'
import { notFound } from '../platform/errors.ts'
import { sweepFiles } from '../platform/files.ts'
import { formatMoney, type Locale } from '../platform/i18n.ts'
import type { Job } from '../platform/jobs.ts'
import type { Letter } from '../platform/mail.ts'
import type { Platform } from '../platform/module.ts'
import type { OrderPaper } from './pdf.ts'

const folder = 'documents'
const drawOrder = new URL('./pdf.ts', import.meta.url)

type Ordered = {
  id: number
  total_price: string
  created_at: string
  document: string | null
  user_id: number
  full_name: string
  email: string | null
  phone: string | null
  locale: Locale | null
  organisation: string
  requisites: { payee?: string; inn?: string; kpp?: string; phone?: string; email?: string }
  items: { name: string; quantity: number; price: string; amount: string }[]
}

const findOrdered = async ({ db }: Platform, ids: number[]) =>
  (
    await sql<Ordered>`
      select o.id, o.total_price, o.created_at, o.document, u.id user_id, u.full_name, u.email, u.phone, u.locale,
        n.name organisation, n.requisites,
        (select jsonb_agg(jsonb_build_object('name', i.name, 'quantity', i.quantity, 'price', i.price_at_purchase::text,
           'amount', i.amount::text) order by i.position) from shop.order_items i where i.order_id = o.id) items
      from shop.orders o join accounts.users u on u.id = o.user_id cross join platform.installation n
      where o.id = any(${ids}::bigint[])`.execute(db)
  ).rows

/**
 * Makes the PDF of each order and mails it. The bytes hang on nothing but the order and the names of that minute, so a
 * job that died half-way makes the same file again and not a second one; a letter is sent once by its key.
 */
export async function makeDocuments(platform: Platform, jobs: Job<{ order_id: number }>[]) {
  const rows = await findOrdered(platform, [...new Set(jobs.map((j) => j.data.order_id))])
  const made = new Map<number, { row: Ordered; key: string; content: Buffer } | Error>()
  for (const row of rows) made.set(row.id, await keepDocument(platform, row).catch((error: Error) => error))
  const kept = [...made.values()].flatMap((m) => (m instanceof Error ? [] : [m]))
  await recordDocuments(platform, kept)
  const mailed = kept.filter((m) => m.row.email)
  const errors = await platform.mail.send(mailed.map((m) => letterOf(platform, m.row, m.content)))
  const errorOf = new Map(mailed.map((m, i) => [m.row.id, errors[i]]))
  return jobs.map(({ data }) => {
    const outcome = made.get(data.order_id)
    return outcome instanceof Error ? outcome : errorOf.get(data.order_id)
  })
}

async function keepDocument(platform: Platform, row: Ordered) {
  const there = row.document && (await platform.files.read(row.document))
  if (there) return { row, key: row.document!, content: there }
  const content = await platform.draw(drawOrder, paperOf(platform, row))
  return { row, key: await platform.files.keepOnce(folder, `order-${row.id}`, content, 'pdf'), content }
}

/** Names the documents in their orders; only the first making is an event. */
async function recordDocuments({ db }: Platform, kept: { row: Ordered; key: string }[]): Promise<void> {
  const fresh = kept.filter((m) => m.row.document !== m.key)
  if (!fresh.length) return
  await transaction(db, async (tx) => {
    const ids = fresh.map((m) => m.row.id)
    await sql`select from shop.orders where id = any(${ids}::bigint[]) order by id for no key update`.execute(tx)
    await sql`
      with named as (
        update shop.orders o set document = s.key from unnest(${ids}::bigint[], ${fresh.map((m) => m.key)}::text[]) s(id, key)
        where o.id = s.id returning o.id)
      insert into shop.order_events (order_id, event) select id, 'document' from named order by id
      on conflict do nothing`.execute(tx)
  })
}

function paperOf({ config, translate }: Platform, row: Ordered): OrderPaper {
  const locale = row.locale ?? config.LOCALE
  const t = (word: string, params?: Record<string, unknown>) => translate(locale, `shop.document.${word}`, params)
  const number = new Intl.NumberFormat(locale, { useGrouping: true })
  const amount = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, useGrouping: true })
  // The type of Intl knows only numbers; decimal strings are formatted exactly.
  const money = (sum: string) => amount.format(sum as unknown as number)
  const total = formatMoney(locale, row.total_price, config.CURRENCY)
  const { payee, inn, kpp, phone, email } = row.requisites
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: config.TIMEZONE })
  const present = (...lines: (string | null | undefined | false)[]) =>
    lines.filter((l) => typeof l === 'string' && l !== '') as string[]
  return {
    lang: locale,
    createdAt: row.created_at,
    organisation: row.organisation,
    title: t('title', { number: row.id }),
    date: t('date', { date: day.format(new Date(row.created_at)) }),
    seller: {
      label: t('seller'),
      lines: present(payee ?? row.organisation, inn && t('inn', { inn }), kpp && t('kpp', { kpp }), phone, email),
    },
    buyer: {
      label: t('buyer'),
      lines: present(
        row.full_name,
        row.phone && parsePhoneNumberFromString(`+${row.phone}`)?.formatInternational(),
        row.email,
      ),
    },
    columns: {
      number: t('number'),
      name: t('name'),
      quantity: t('quantity'),
      price: t('price'),
      amount: t('amount'),
    },
    rows: row.items.map((item) => ({
      name: item.name,
      quantity: number.format(item.quantity),
      price: money(item.price),
      amount: money(item.amount),
    })),
    total: { label: t('total'), sum: total, inWords: t('lines', { count: row.items.length, total }) },
    link: { url: `${config.PUBLIC_URL}/orders/${row.id}`, words: t('scan') },
    thanks: t('thanks'),
    foot: t('page', { number: row.id, page: '{page}', pages: '{pages}' }),
  }
}

function letterOf({ config, translate: t }: Platform, row: Ordered, content: Buffer): Letter {
  const locale = row.locale ?? config.LOCALE
  return {
    key: `order-${row.id}`,
    to: row.email!,
    userId: row.user_id,
    locale,
    subject: t(locale, 'shop.mail.subject', { number: row.id }),
    paragraphs: [
      t(locale, 'shop.mail.taken', { number: row.id, total: formatMoney(locale, row.total_price, config.CURRENCY) }),
      t(locale, 'shop.mail.attached'),
    ],
    button: { label: t(locale, 'shop.mail.open'), url: `${config.PUBLIC_URL}/orders/${row.id}` },
    attachments: [{ filename: `order-${row.id}.pdf`, content, contentType: 'application/pdf' }],
  }
}

/** Has the documents of the newest orders made, as if they had just been placed: seeded orders have none. */
export async function documentNewest({ db, jobs }: Platform): Promise<void> {
  await transaction(db, async (tx) => {
    const newest = await tx.selectFrom('shop.orders').select('id as order_id').orderBy('id', 'desc').limit(20).execute()
    await jobs.enqueue(tx, 'shop.document', newest)
  })
}

/** The PDF of an order, for whoever was let in to it; 404 before it is made. */
export async function readDocument({ db, files }: Platform, id: number): Promise<Buffer> {
  const order = await db.selectFrom('shop.orders').select('document').where('id', '=', id).executeTakeFirst()
  const content = order?.document && (await files.read(order.document))
  if (!content) throw notFound()
  return content
}

/** Removes documents that no order names. */
export const sweepDocuments = (platform: Platform) => sweepFiles(platform, folder, 'shop.orders', 'document')
