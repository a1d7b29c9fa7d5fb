import { sql } from 'kysely'
import { formatsOf } from '../platform/formats.ts'
import type { PreviewedPage } from '../platform/module.ts'

/** A collect where a link to it is pasted: its title, what has come in, its cover. */
export const preview: PreviewedPage = {
  url: '/collects/:id',
  async read(platform, id, locale) {
    const { rows } = await sql<{ title: string; collected: string; target: string | null; image: string | null }>`
      select title, collected_amount collected, target_amount target, '/files/' || cover image
      from collects.collects where id = ${id}`.execute(platform.db)
    if (!rows[0]) return undefined
    const { title, image, target } = rows[0]
    const { money } = formatsOf(platform, locale)
    const collected = money(rows[0].collected)
    const description = target
      ? platform.translate(locale, 'collects.preview_target', { collected, target: money(target) })
      : platform.translate(locale, 'collects.preview', { collected })
    return { title, description, image }
  },
}
