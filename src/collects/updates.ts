import { sql } from 'kysely'
import { type CursorRequest, cursorAnswer } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import type { Source } from '../platform/cache.ts'
import { run, sqlOf, transaction } from '../platform/database.ts'
import { AppError, notFound } from '../platform/errors.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Job } from '../platform/jobs.ts'
import { type Recipient, sendLetters } from '../platform/letters.ts'
import type { Platform } from '../platform/module.ts'
import { addNotifications } from '../platform/notifications.ts'
import { withPicture } from '../platform/pictures.ts'
import { lockOrganised, mayOrganise } from './organisers.ts'
import type { NewUpdate, Update } from './schemas-news.ts'

const columns = `n.id, json_build_object('id', u.id, 'full_name', u.full_name) author, n.text,
  '/files/' || n.picture picture, n.is_thanks, n.created_at`
const source = 'from collects.updates n join accounts.users u on u.id = n.author_id'

/** What organisers told of a collect. */
export function updateList(id: number, page: CursorRequest): Source {
  return {
    scopes: [`collect:${id}`, 'names'],
    async read(client) {
      const [collect] = await run<{ n: number }>(
        client,
        `select (select count(*) from collects.updates where collect_id = c.id) n from collects.collects c where c.id = $1`,
        [id],
      )
      if (!collect) throw notFound()
      const [compare, order] = page.descending ? ['<', 'desc'] : ['>', 'asc']
      const rows = await run<Update>(
        client,
        `select ${columns} ${source} where n.collect_id = $1 and n.id ${compare} $2 order by n.id ${order} limit $3 offset $4`,
        [id, page.id ?? (page.descending ? Number.MAX_SAFE_INTEGER : 0), page.limit + 1, page.offset],
      )
      return { answer: cursorAnswer(page, rows, { count: page.withCount ? collect.n : null }) }
    },
  }
}

/** Tells of a collect; who gave to it hears of it once, in the app and by letter. Thanks are told once. */
export async function tellUpdate(
  platform: Platform,
  user: User,
  id: number,
  input: NewUpdate,
  upload: Buffer | undefined,
  once: Once | undefined,
): Promise<Update> {
  if (upload) await mayOrganise(platform.db, user, id)
  return withPicture(
    platform,
    'updates',
    upload,
    (picture) =>
      change(platform.db, once, async (tx) => {
        await lockOrganised(tx, user, id)
        if (input.is_thanks) {
          const { rows } = await sql`select from collects.updates where collect_id = ${id} and is_thanks`.execute(tx)
          if (rows.length) throw new AppError(409, 'collects.thanked')
        }
        const made = await tx
          .insertInto('collects.updates')
          .values({ ...input, collect_id: id, author_id: user.id, picture: picture ?? null })
          .returning('id')
          .executeTakeFirstOrThrow()
        await platform.jobs.enqueue(tx, 'collects.update_givers', [{ update_id: made.id, after: 0 }])
        await recordChange(tx, user, {
          action: 'collects.tell_update',
          subject: 'collects.updates',
          subject_id: made.id,
          after: { collect: id, ...input, picture: picture ?? null },
        })
        const [update] = await sqlOf(tx)<Update>(`select ${columns} ${source} where n.id = $1`, [made.id])
        return update!
      }),
    () => !once?.replayed,
  )
}

/** Takes back what was told; letters that went have gone. */
export async function removeUpdate({ db, jobs }: Platform, user: User, id: number, update: number): Promise<void> {
  await transaction(db, async (tx) => {
    await lockOrganised(tx, user, id)
    const before = await tx
      .deleteFrom('collects.updates')
      .where('collect_id', '=', id)
      .where('id', '=', update)
      .returning(['id', 'text', 'picture', 'is_thanks'])
      .executeTakeFirst()
    if (!before) throw notFound()
    if (before.picture) await jobs.enqueue(tx, 'collects.remove_cover', [{ cover: before.picture }])
    await recordChange(tx, user, {
      action: 'collects.remove_update',
      subject: 'collects.updates',
      subject_id: update,
      before,
    })
  })
}

const giversPerJob = 1000
type Page = { update_id: number; after: number }

/** Finds who gave to the collect of an update, some in a job: each is told in the app, and gets the job of a letter. */
export async function addressUpdate({ db, jobs: queue }: Platform, jobs: Job<Page>[]): Promise<undefined[]> {
  for (const { data } of jobs) {
    await transaction(db, async (tx) => {
      const { rows } = await sql<{
        user_id: number
        collect_id: number
        title: string
        is_thanks: boolean
        mailed: boolean
      }>`
        select g.payer_id user_id, n.collect_id, c.title, n.is_thanks,
          u.email is not null and platform.wants_letter(u.id, 'collects.update') mailed
        from collects.updates n join collects.collects c on c.id = n.collect_id
        cross join lateral (
          select distinct payer_id from collects.payments p
          where p.collect_id = n.collect_id and p.status = 'completed' and p.payer_id > ${data.after}
          order by payer_id limit ${giversPerJob}) g
        join accounts.users u on u.id = g.payer_id
        where n.id = ${data.update_id} order by g.payer_id`.execute(tx)
      await addNotifications(
        sqlOf(tx),
        rows.map(({ user_id, collect_id, title, is_thanks }) => ({
          user_id,
          kind: 'collects.update',
          key: `update-${data.update_id}`,
          path: `/collects/${collect_id}`,
          params: { title, ...(is_thanks ? { context: 'thanks' } : {}) },
        })),
      )
      await queue.enqueue(
        tx,
        'collects.update_letter',
        rows.flatMap(({ user_id, mailed }) => (mailed ? [{ update_id: data.update_id, user_id }] : [])),
      )
      const last = rows.at(-1)
      if (last && rows.length === giversPerJob)
        await queue.enqueue(tx, 'collects.update_givers', [{ ...data, after: last.user_id }])
    })
  }
  return jobs.map(() => undefined)
}

type Told = Recipient & {
  id: number
  update_id: number
  user_id: number
  collect_id: number
  title: string
  text: string
  author: string
  is_thanks: boolean
}

/** Mails givers what organisers told. */
export async function mailUpdates(platform: Platform, jobs: Job<{ update_id: number; user_id: number }>[]) {
  const { config, translate: t } = platform
  const { rows } = await sql<Told>`
    select j.n id, n.id update_id, u.id user_id, u.email, u.locale, u.email_confirmed_at is not null confirmed,
      n.collect_id, c.title, n.text, n.is_thanks, a.full_name author
    from unnest(${jobs.map((j) => j.data.update_id)}::bigint[], ${jobs.map((j) => j.data.user_id)}::bigint[])
      with ordinality as j(update_id, user_id, n)
    join collects.updates n on n.id = j.update_id join collects.collects c on c.id = n.collect_id
    join accounts.users a on a.id = n.author_id join accounts.users u on u.id = j.user_id
    where u.email is not null and platform.wants_letter(u.id, 'collects.update')`.execute(platform.db)
  const places = new Map(jobs.map((job, i) => [job.data, i + 1]))
  return sendLetters(
    platform,
    jobs,
    (data) => places.get(data)!,
    rows,
    (row, locale) => ({
      key: `update-${row.update_id}-${row.user_id}`,
      subject: t(locale, row.is_thanks ? 'collects.mail.thanks_subject' : 'collects.mail.update_subject', row),
      paragraphs: [row.text, t(locale, 'collects.mail.update_from', row)],
      button: { label: t(locale, 'collects.mail.open'), url: `${config.PUBLIC_URL}/collects/${row.collect_id}` },
    }),
  )
}
