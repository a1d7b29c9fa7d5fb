import { sql } from 'kysely'
import { parsePhoneNumberFromString } from 'libphonenumber-js'
import { transaction } from '../platform/database.ts'
import { notFound } from '../platform/errors.ts'
import { sweepFiles } from '../platform/file-sweep.ts'
import { formatsOf } from '../platform/formats.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Job } from '../platform/jobs.ts'
import { type Recipient, sendLetters } from '../platform/letters.ts'
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
  order_phone: string | null
  address: string
  locale: Locale | null
  organisation: string
  requisites: { payee?: string; inn?: string; kpp?: string; phone?: string; email?: string }
  items: { name: string; quantity: number; price: string; amount: string }[]
}

const findOrdered = async ({ db }: Platform, ids: number[]) =>
  (
    await sql<Ordered>`
      select o.id, o.total_price, o.created_at, o.document, u.id user_id, u.full_name, u.email, u.phone, u.locale,
        o.phone order_phone, o.address, n.name organisation, n.requisites,
        (select jsonb_agg(jsonb_build_object('name', i.name, 'quantity', i.quantity, 'price', i.price_at_purchase::text,
           'amount', i.amount::text) order by i.position) from shop.order_items i where i.order_id = o.id) items
      from shop.orders o join accounts.users u on u.id = o.user_id cross join platform.installation n
      where o.id = any(${ids}::bigint[])`.execute(db)
  ).rows

/**
 * Makes the PDF of each order and has it mailed by a job of its own, so that no mail server holds a document up. The bytes
 * hang on nothing but the order and the names of that minute: a job that died half-way makes the same file again.
 */
export async function makeDocuments(platform: Platform, jobs: Job<{ order_id: number }>[]) {
  const rows = await findOrdered(platform, [...new Set(jobs.map((j) => j.data.order_id))])
  const made = new Map<number, Made | Error>()
  await Promise.all(
    rows.map(async (row) => made.set(row.id, await keepDocument(platform, row).catch((error: Error) => error))),
  )
  await recordDocuments(
    platform,
    [...made.values()].flatMap((m) => (m instanceof Error ? [] : [m])),
  )
  return jobs.map(({ data }) => {
    const outcome = made.get(data.order_id)
    return outcome instanceof Error ? outcome : undefined
  })
}

type Made = { row: Ordered; key: string }

async function keepDocument(platform: Platform, row: Ordered): Promise<Made> {
  if (row.document && (await platform.files.read(row.document))) return { row, key: row.document }
  const content = await platform.draw(drawOrder, paperOf(platform, row))
  return { row, key: await platform.files.keepOnce(folder, `order-${row.id}`, content, 'pdf') }
}

/** Names the documents in their orders and has them mailed; only the first making is an event. */
async function recordDocuments({ db, jobs }: Platform, made: Made[]): Promise<void> {
  if (!made.length) return
  await transaction(db, async (tx) => {
    const ids = made.map((m) => m.row.id)
    await sql`select from shop.orders where id = any(${ids}::bigint[]) order by id for no key update`.execute(tx)
    await sql`
      with named as (
        update shop.orders o set document = s.key from unnest(${ids}::bigint[], ${made.map((m) => m.key)}::text[]) s(id, key)
        where o.id = s.id and o.document is distinct from s.key returning o.id)
      insert into shop.order_events (order_id, event) select id, 'document' from named order by id
      on conflict do nothing`.execute(tx)
    const mailed = made.filter((m) => m.row.email)
    await jobs.enqueue(
      tx,
      'shop.document_mail',
      mailed.map((m) => ({ order_id: m.row.id })),
    )
  })
}

const internationalOf = (phone: string | null) =>
  phone && parsePhoneNumberFromString(`+${phone}`)?.formatInternational()

function paperOf(platform: Platform, row: Ordered): OrderPaper {
  const { config, translate } = platform
  const locale = row.locale ?? config.LOCALE
  const t = (word: string, params?: Record<string, unknown>) => translate(locale, `shop.document.${word}`, params)
  const { money, amount, quantity, day } = formatsOf(platform, locale)
  const total = money(row.total_price)
  const { payee, inn, kpp, phone, email } = row.requisites
  const present = (...lines: (string | null | undefined | false)[]) =>
    lines.filter((l) => typeof l === 'string' && l !== '') as string[]
  return {
    lang: locale,
    createdAt: row.created_at,
    organisation: row.organisation,
    title: t('title', { number: row.id }),
    date: t('date', { date: day(row.created_at) }),
    seller: {
      label: t('seller'),
      lines: present(payee ?? row.organisation, inn && t('inn', { inn }), kpp && t('kpp', { kpp }), phone, email),
    },
    buyer: {
      label: t('buyer'),
      lines: present(row.full_name, internationalOf(row.order_phone ?? row.phone), row.email, row.address),
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
      quantity: quantity(item.quantity),
      price: amount(item.price),
      amount: amount(item.amount),
    })),
    total: { label: t('total'), sum: total, inWords: t('lines', { count: row.items.length, total }) },
    link: { url: `${config.PUBLIC_URL}/orders/${row.id}`, words: t('scan') },
    thanks: t('thanks'),
    foot: t('page', { number: row.id, page: '{page}', pages: '{pages}' }),
  }
}

type Mailed = Recipient & { id: number; total_price: string; document: string }

/** Mails buyers the documents of their orders. */
export async function mailDocuments(platform: Platform, jobs: Job<{ order_id: number }>[]) {
  const { config, translate: t } = platform
  const { rows } = await sql<Mailed>`
    select o.id, o.total_price, o.document, u.id user_id, u.email, u.locale,
      u.email_confirmed_at is not null confirmed
    from shop.orders o join accounts.users u on u.id = o.user_id
    where o.id = any(${jobs.map((j) => j.data.order_id)}::bigint[]) and o.document is not null and u.email is not null
      and platform.wants_letter(u.id, 'shop.document')`.execute(platform.db)
  return sendLetters(
    platform,
    jobs,
    (data) => data.order_id,
    rows,
    async ({ id, total_price, document }, locale) => {
      const content = await platform.files.read(document)
      if (!content) throw new Error(`the document of order ${id} is lost`)
      return {
        key: `order-${id}`,
        subject: t(locale, 'shop.mail.subject', { number: id }),
        paragraphs: [
          t(locale, 'shop.mail.taken', { number: id, total: formatsOf(platform, locale).money(total_price) }),
          t(locale, 'shop.mail.attached'),
        ],
        button: { label: t(locale, 'shop.mail.open'), url: `${config.PUBLIC_URL}/orders/${id}` },
        attachments: [{ filename: `order-${id}.pdf`, content, contentType: 'application/pdf' }],
      }
    },
  )
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

/** Removes documents that no order names, and tells of those that are gone. */
export const sweepDocuments = (platform: Platform, signal: AbortSignal) =>
  sweepFiles(platform, signal, { folder, table: 'shop.orders', column: 'document' })
