import type { Locale } from '../platform/i18n.ts'
import type { Module, Platform, Preview } from '../platform/module.ts'

/** Tells what a path of the web app is about, for link previewers; nothing where no module knows it or cannot say now. */
export function readPreviews(platform: Platform, modules: Module[]) {
  const pages = modules.flatMap(({ previews }) => previews ?? [])
  const { config, db, log } = platform
  return async (path: string, locale: Locale): Promise<(Preview & { url: string; site: string }) | undefined> => {
    const [, place, id] = /^(\/.*\/)([1-9]\d{0,14})\/?$/.exec(path) ?? []
    const page = pages.find(({ url }) => url === `${place}:id`)
    if (!page) return undefined
    try {
      const preview = await page.read(platform, Number(id), locale)
      if (!preview) return undefined
      const { name } = await db.selectFrom('platform.installation').select('name').executeTakeFirstOrThrow()
      const image = preview.image && config.PUBLIC_URL + preview.image
      return { ...preview, image, url: `${config.PUBLIC_URL}${place}${id}`, site: name }
    } catch (error) {
      // The page itself needs no database.
      log.debug({ err: error }, 'a page says nothing of itself')
      return undefined
    }
  }
}
