import { type RawBuilder, sql } from 'kysely'
import { pageAnswer, type pageRequest } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import type { Source } from '../platform/cache.ts'
import { type Client, run, type Tx, transaction } from '../platform/database.ts'
import { notFound } from '../platform/errors.ts'
import { checkMatch } from '../platform/etags.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import { contains, folded, foldedSql } from '../platform/search.ts'
import { type NewProduct, type Product, type ProductChange, type ProductsQuery, productEdits } from './schemas.ts'

/** Answers about products are kept so long at most, whatever the stamps say. */
const keptSeconds = 300
const columns = `p.id, p.name, p.description, p.price, p.stock, p.category, p.created_at, p.updated_at,
  (select coalesce(jsonb_agg(jsonb_build_object('id', i.id, 'url', '/files/' || i.picture) order by i.id), '[]')
   from shop.product_pictures i where i.product_id = p.id) pictures`
const productSql = `select ${columns} from shop.products p where p.id = $1 and p.hidden_at is null`

/** One product that is sold. */
export function productDetail(id: number): Source {
  return {
    scopes: [`product:${id}`],
    edits: productEdits,
    maxAgeSeconds: keptSeconds,
    async read(client) {
      const [product] = await run<Product>(client, productSql, [id])
      if (!product) throw notFound()
      return { answer: product }
    },
  }
}

/** How like a word of the shop a typed one must be, of 1; only asked where nothing has the words as typed. */
const likeness = 0.33
const text = sql`p.name || ' ' || p.description`
const letters = foldedSql(text)

const orders = {
  price: sql`p.price`,
  name: sql`p.name collate "ru-x-icu"`,
  created_at: sql`p.created_at`,
}

/**
 * Products that are sold, newest first unless ordered otherwise; a search puts the best first. It finds words in any
 * form and parts of words; where there are none, words that are spelt alike.
 */
export function productList({ db }: Platform, query: ProductsQuery, page: ReturnType<typeof pageRequest>): Source {
  const { category, price_min, price_max, in_stock, stock_max, ordering } = query
  const search = query.search && folded(query.search)
  const filters: RawBuilder<unknown>[] = [sql`p.hidden_at is null`]
  if (category) filters.push(sql`p.category = ${category}`)
  if (price_min) filters.push(sql`p.price >= ${price_min}::numeric`)
  if (price_max) filters.push(sql`p.price <= ${price_max}::numeric`)
  if (in_stock !== undefined) filters.push(in_stock ? sql`p.stock > 0` : sql`p.stock = 0`)
  if (stock_max !== undefined) filters.push(sql`p.stock <= ${stock_max}`)

  const words = sql`websearch_to_tsquery('russian', ${search})`
  const asTyped = {
    found: sql`(p.words @@ ${words} or ${contains(text, search ?? '')})`,
    best: sql`ts_rank(p.words, ${words})`,
  }
  const alike = { found: sql`${search} <<% ${letters}`, best: sql`strict_word_similarity(${search}, ${letters})` }

  async function find(client: Client, by?: typeof asTyped) {
    const field = ordering?.replace('-', '') as keyof typeof orders | undefined
    const order = field ? orders[field] : (by?.best ?? orders.created_at)
    const direction = sql.raw(!ordering || ordering.startsWith('-') ? 'desc' : 'asc')
    const where = sql.join(by ? [...filters, by.found] : filters, sql` and `)
    const built = async <R>(text: RawBuilder<R>) => {
      const { sql: words, parameters } = text.compile(db)
      return (await client.query(words, parameters as unknown[])).rows as R[]
    }
    const [total] = await built(sql<{ n: number }>`select count(*) n from shop.products p where ${where}`)
    const results = await built(
      sql<Product>`select ${sql.raw(columns)} from shop.products p where ${where}
        order by ${order} ${direction}, p.id ${direction} limit ${page.limit} offset ${page.offset}`,
    )
    return { results, count: total!.n }
  }

  return {
    scopes: ['products'],
    maxAgeSeconds: keptSeconds,
    async read(client) {
      let { results, count } = await find(client, search ? asTyped : undefined)
      if (search && count === 0) {
        await run(client, `select set_config('pg_trgm.strict_word_similarity_threshold', $1, true)`, [String(likeness)])
        ;({ results, count } = await find(client, alike))
      }
      return { answer: pageAnswer(page, results, count) }
    },
  }
}

/** The product as the transaction that changed it sees it. */
export async function getProduct(tx: Tx, id: number): Promise<Product> {
  const { rows } = await sql<Product>`select ${sql.raw(columns)} from shop.products p where p.id = ${id}`.execute(tx)
  return rows[0]!
}

/** Puts a product on sale; what stands in stock is its first movement. */
export async function createProduct(
  platform: Platform,
  user: User,
  input: NewProduct,
  once: Once | undefined,
): Promise<Product> {
  return change(platform.db, once, async (tx) => {
    const { id } = await tx.insertInto('shop.products').values(input).returning('id').executeTakeFirstOrThrow()
    if (input.stock) await move(tx, user, id, 'initial', input.stock)
    const product = await getProduct(tx, id)
    await recordChange(tx, user, {
      action: 'shop.create_product',
      subject: 'shop.products',
      subject_id: id,
      after: product,
    })
    return product
  })
}

const move = (tx: Tx, user: User, product_id: number, kind: string, change: number) =>
  tx.insertInto('shop.stock_movements').values({ product_id, kind, change, user_id: user.id }).execute()

/** Locks a product that is sold; throws 404. */
export async function lockProduct(tx: Tx, id: number) {
  const product = await tx
    .selectFrom('shop.products')
    .select(['id', 'name', 'description', 'price', 'stock', 'category'])
    .where('id', '=', id)
    .where('hidden_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  if (!product) throw notFound()
  return product
}

/** Changes a product; more stock than before was received, less is a correction. Orders keep their names and prices. */
export async function changeProduct(
  { db }: Platform,
  user: User,
  id: number,
  input: ProductChange,
  match?: string,
): Promise<Product> {
  return transaction(db, async (tx) => {
    const before = await lockProduct(tx, id)
    checkMatch(match, before, productEdits)
    if (!Object.keys(input).length) return getProduct(tx, id)
    await tx
      .updateTable('shop.products')
      .set({ ...input, updated_at: sql`now()` })
      .where('id', '=', id)
      .execute()
    const moved = (input.stock ?? before.stock) - before.stock
    if (moved) await move(tx, user, id, moved > 0 ? 'received' : 'corrected', moved)
    const after = { ...before, ...input }
    await recordChange(tx, user, {
      action: 'shop.change_product',
      subject: 'shop.products',
      subject_id: id,
      before,
      after,
    })
    return getProduct(tx, id)
  })
}

/** Takes a product off sale: one that was ordered is hidden, for its orders stay; any other is gone. */
export async function removeProduct({ db, jobs }: Platform, user: User, id: number): Promise<void> {
  await transaction(db, async (tx) => {
    const before = await lockProduct(tx, id)
    // Who orders locks the product first, so none can come between this look and the delete.
    const ordered = await tx
      .selectFrom('shop.order_items')
      .select('order_id')
      .where('product_id', '=', id)
      .limit(1)
      .executeTakeFirst()
    if (ordered) await tx.updateTable('shop.products').set({ hidden_at: sql`now()` }).where('id', '=', id).execute()
    else {
      const pictures = await tx
        .deleteFrom('shop.product_pictures')
        .where('product_id', '=', id)
        .returning('picture')
        .execute()
      await tx.deleteFrom('shop.products').where('id', '=', id).execute()
      await jobs.enqueue(tx, 'shop.remove_picture', pictures)
    }
    await recordChange(tx, user, { action: 'shop.remove_product', subject: 'shop.products', subject_id: id, before })
  })
}
