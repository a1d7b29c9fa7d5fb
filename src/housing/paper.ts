import { sql } from 'kysely'
import type { Requisites } from '../installation/index.ts'
import { transaction } from '../platform/database.ts'
import { AppError, notFound } from '../platform/errors.ts'
import { sweepFiles } from '../platform/file-sweep.ts'
import { formatsOf } from '../platform/formats.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Job } from '../platform/jobs.ts'
import type { Platform } from '../platform/module.ts'
import type { BillPapers, BillSheet } from './bill-page.ts'
import { type BillRow, billColumns, billSource, issuesInWords } from './bills.ts'
import { paymentCode } from './payment-code.ts'
import { quantityInWords } from './words.ts'

const drawBills = new URL('./bill-page.ts', import.meta.url)
const folder = 'bills'
/** Bills of one file: a house. Setting more would keep the drawing thread from everybody else for too long. */
export const fileLimit = 500

type Change = {
  service: string
  unit: string | null
  before: string
  now: string
  difference: string
  quantity_before: string | null
  quantity: string | null
  price_before: string | null
  price: string | null
}
type PaperRow = BillRow & {
  account: string
  area: string
  address: string
  organisation: string
  requisites: Requisites
  residents: { full_name: string; last_name: string; first_name: string; patronymic: string }[]
  paid: string
  before_total: string | null
  before_difference: string | null
  changes: Change[]
}

const byService = (bill: string) => sql`(
  select service, sum(amount) amount, sum(quantity) quantity, min(price) price from housing.bill_lines
  where bill_id = ${sql.raw(bill)} group by service)`

async function findPapers({ db }: Platform, which: { bill: number } | { run: number }): Promise<PaperRow[]> {
  const where =
    'bill' in which
      ? sql`b.id = ${which.bill}`
      : sql`b.id in (
    select bill_id from housing.run_bills where run_id = ${which.run})`
  const { rows } = await sql<PaperRow>`
    select ${billColumns}, a.account, b.area, h.address, n.name organisation, n.requisites,
      (select coalesce(jsonb_agg(jsonb_build_object('full_name', u.full_name, 'last_name', u.last_name,
          'first_name', u.first_name, 'patronymic', u.patronymic) order by u.id), '[]')
       from housing.residents r join accounts.users u on u.id = r.user_id where r.apartment_id = a.id) residents,
      -- Money that came since the bill before.
      (select coalesce(-sum(p.amount), 0)::numeric(18, 2) from housing.entries p
       where p.apartment_id = a.id and p.payment_id is not null and p.id < coalesce(e.id, ${Number.MAX_SAFE_INTEGER}::bigint)
         and p.id > coalesce((select max(x.id) from housing.entries x where x.apartment_id = a.id and x.bill_id is not null
           and x.id < coalesce(e.id, ${Number.MAX_SAFE_INTEGER}::bigint)), 0)) paid,
      o.total before_total, abs(b.total - o.total) before_difference,
      (select coalesce(jsonb_agg(jsonb_build_object('service', service,
          'unit', case service when 'maintenance' then 'm2' when 'recalculation' then null else 'm3' end,
          'before', coalesce(x.amount, 0)::text, 'now', coalesce(y.amount, 0)::text,
          'difference', (coalesce(y.amount, 0) - coalesce(x.amount, 0))::text, 'quantity_before', x.quantity::text,
          'quantity', y.quantity::text, 'price_before', x.price::text, 'price', y.price::text) order by service), '[]')
       from ${byService('o.id')} x full join ${byService('b.id')} y using (service)
       where x.amount is distinct from y.amount) changes
    from ${billSource}
    join housing.houses h on h.id = a.house_id
    cross join platform.installation n
    left join lateral (
      select q.id, q.total from housing.billing_runs r
      join housing.run_bills m on m.run_id = r.id and m.apartment_id = a.id join housing.bills q on q.id = m.bill_id
      where r.house_id = a.house_id and r.month = b.month - interval '1 month' and (r.published_at is not null or r.current)
      order by r.published_at is null limit 1) o on true
    where ${where} order by a.number collate platform.natural, a.id`.execute(db)
  return rows
}

/** One bill as a PDF, for whoever was let in to it. */
export async function drawBill(platform: Platform, bill: number, locale: Locale): Promise<Buffer> {
  const rows = await findPapers(platform, { bill })
  if (!rows[0]) throw notFound()
  return platform.draw(drawBills, papersOf(platform, rows, locale))
}

function sheetOf(platform: Platform, row: PaperRow, locale: Locale): BillSheet {
  const { translate } = platform
  const { money, price, volume, amount, month: nameOf } = formatsOf(platform, locale)
  const t = (word: string, params?: Record<string, unknown>) => translate(locale, `housing.paper.${word}`, params)
  const say = (word: string) => translate(locale, `housing.${word}`)
  const month = nameOf(row.month)
  const before = nameOf(new Date(Date.parse(`${row.month}-01T00:00:00Z`) - 86_400_000).toISOString())
  const r = row.requisites
  const present = (...lines: (string | null | undefined | false)[]) =>
    lines.filter((l) => typeof l === 'string' && l !== '') as string[]
  const owes = !row.to_pay.startsWith('-') && !/^0+\.0+$/.test(row.to_pay)
  const [payer, ...others] = row.residents
  const code = owes
    ? paymentCode({
        requisites: r,
        sum: row.to_pay,
        purpose: t('purpose', { month, account: row.account }),
        account: row.account,
        address: t('flat', { address: row.address, number: row.number }),
        month: row.month,
        service: t('title'),
        ...(payer && !others.length ? { payer } : {}),
      })
    : undefined

  const changes = row.changes.map((c) => {
    const measure = c.unit === 'm3' ? volume : amount
    const why = present(
      c.unit &&
        c.quantity &&
        c.quantity_before &&
        c.quantity !== c.quantity_before &&
        t('volume_change', {
          before: measure(c.quantity_before),
          now: measure(c.quantity),
          unit: say(`unit.${c.unit}`),
        }),
      c.unit &&
        c.price &&
        c.price_before &&
        c.price !== c.price_before &&
        t('price_change', {
          before: price(c.price_before),
          now: price(c.price),
        }),
    )
    const sums = {
      before: money(c.before),
      now: money(c.now),
      difference: `${c.difference.startsWith('-') ? '' : '+'}${money(c.difference)}`,
    }
    return [t('change', { service: say(`service.${c.service}`), ...sums }), ...why].join(', ')
  })

  return {
    organisation: row.organisation,
    title: `${t('title')} ${t('period', { month })}`,
    draft: row.published_at ? null : t('draft'),
    payee: {
      label: t('payee'),
      lines: present(
        r.payee ?? row.organisation,
        [r.inn && t('inn', { inn: r.inn }), r.kpp && t('kpp', { kpp: r.kpp })].filter(Boolean).join(', '),
        r.account && t('bank_account', { account: r.account }),
        r.bank_name && r.bic && t('bank', { bank: r.bank_name, bic: r.bic }),
        r.correspondent_account && t('correspondent', { account: r.correspondent_account }),
        [r.phone, r.email].filter(Boolean).join(', '),
      ),
    },
    payer: {
      label: t('payer'),
      lines: present(
        t('account', { account: row.account }),
        t('flat', { address: row.address, number: row.number }),
        row.residents
          .map((p) => p.full_name)
          .filter(Boolean)
          .join(', '),
        t('area', { area: amount(row.area) }),
      ),
    },
    columns: { service: t('service'), quantity: t('quantity'), price: t('price'), amount: t('amount') },
    lines: row.lines.map((l) => ({
      service:
        l.service === 'recalculation' ? `${say('service.recalculation')}: ${l.reason}` : say(`service.${l.service}`),
      details: present(
        l.meter?.current &&
          l.meter.previous &&
          t('readings', {
            serial: l.meter.serial,
            previous: volume(l.meter.previous),
            current: volume(l.meter.current),
          }),
        l.meter &&
          !l.meter.current &&
          l.meter.previous &&
          t('estimated', { serial: l.meter.serial, previous: volume(l.meter.previous) }),
        l.carried.startsWith('-') && t('carried', { volume: volume(l.carried.slice(1)) }),
      ),
      quantity: l.unit ? quantityInWords(platform, locale, l.quantity, l.unit) : '',
      price: l.unit ? price(l.price) : '',
      method: l.service === 'recalculation' ? '' : say(`method.${l.method}`),
      amount: money(l.amount),
    })),
    missing: {
      label: t('missing'),
      lines: issuesInWords(platform, locale, row.issues).map((issue) => issue.message!),
    },
    totals: [
      [t('paid'), money(row.paid)],
      [
        row.opening_balance.startsWith('-') ? t('opening_credit') : t('opening_debt'),
        money(row.opening_balance.replace('-', '')),
      ],
      [t('charged'), money(row.total)],
    ],
    due: owes
      ? [t('to_pay'), money(row.to_pay)]
      : [t('nothing_to_pay', { sum: money(row.to_pay.replace('-', '')) }), ''],
    changes: {
      label: t('changes'),
      lines:
        row.before_total === null ? [t('no_before')] : changes.length ? changes : [t('unchanged', { month: before })],
    },
    code: code ?? null,
    scan: code ? t('scan') : owes ? t('no_requisites') : null,
  }
}

function papersOf(platform: Platform, rows: PaperRow[], locale: Locale): BillPapers {
  const { translate } = platform
  const first = rows[0]!
  const month = formatsOf(platform, locale).month(first.month)
  const numbers = { page: '{page}', pages: '{pages}' }
  const foot =
    rows.length === 1
      ? translate(locale, 'housing.paper.foot', { account: first.account, month, ...numbers })
      : translate(locale, 'housing.paper.foot_house', { address: first.address, month, ...numbers })
  return {
    lang: locale,
    createdAt: first.published_at ?? first.created_at,
    title: translate(locale, 'housing.mail.bill_subject', { month }),
    organisation: first.organisation,
    sheets: rows.map((row) => sheetOf(platform, row, locale)),
    foot,
  }
}

/** Has all bills of a completed run made into one PDF; the same answer for who asks again. */
export async function askRunDocument({ db, jobs }: Platform, id: number): Promise<{ ready: boolean }> {
  return transaction(db, async (tx) => {
    const run = await tx
      .selectFrom('housing.billing_runs')
      .select(['status', 'total', 'document'])
      .where('id', '=', id)
      .forNoKeyUpdate()
      .executeTakeFirst()
    if (!run) throw notFound()
    if (run.status !== 'completed') throw new AppError(409, 'housing.run_not_completed')
    if (run.total > fileLimit) throw new AppError(409, 'housing.too_many_bills', { limit: fileLimit })
    if (run.document) return { ready: true }
    await jobs.enqueue(tx, 'housing.document', [{ run_id: id }])
    return { ready: false }
  })
}

/** Makes the PDFs that were asked for, one after the other. */
export async function makeRunDocuments(platform: Platform, jobs: Job<{ run_id: number }>[]) {
  const outcomes: (Error | undefined)[] = []
  for (const { data } of jobs)
    outcomes.push(
      await makeRunDocument(platform, data.run_id).then(
        () => undefined,
        (e) => e,
      ),
    )
  return outcomes
}

async function makeRunDocument(platform: Platform, id: number): Promise<void> {
  const { db, files, config } = platform
  const rows = await findPapers(platform, { run: id })
  if (!rows.length) return
  const content = await platform.draw(drawBills, papersOf(platform, rows, config.LOCALE))
  const document = await files.keepOnce(folder, `run-${id}`, content, 'pdf')
  await transaction(db, (tx) =>
    tx
      .updateTable('housing.billing_runs')
      .set({ document })
      .where('id', '=', id)
      .where('document', 'is', null)
      .execute(),
  )
}

/** The PDF of all bills of a run; 404 until it is made. */
export async function readRunDocument({ db, files }: Platform, id: number): Promise<Buffer> {
  const run = await db.selectFrom('housing.billing_runs').select('document').where('id', '=', id).executeTakeFirst()
  const content = run?.document && (await files.read(run.document))
  if (!content) throw notFound()
  return content
}

/** Removes PDFs that no run names. */
export const sweepDocuments = (platform: Platform, signal: AbortSignal) =>
  sweepFiles(platform, signal, { folder, table: 'housing.billing_runs', column: 'document' })
