import { sql } from 'kysely'
import sharp from 'sharp'
import type { Platform } from '../platform/module.ts'
import { keepPicture } from '../platform/pictures.ts'

/** Sky, ground and a few plain shapes, on a field of 1200×800. */
const scenes = {
  new_year: {
    sky: '#20394f',
    ground: '#eef4f7',
    shapes: `<g fill="#2f7d58"><path d="M600 130l150 200H450z"/><path d="M600 250l190 230H410z"/><path d="M600 390l230 250H370z"/></g><rect x="575" y="640" width="50" height="70" fill="#6b4a31"/>
      <path d="M600 90l13 27 30 4-22 21 5 30-26-14-26 14 5-30-22-21 30-4z" fill="#f2c14e"/><g fill="#e4572e"><circle cx="540" cy="420" r="15"/><circle cx="660" cy="540" r="15"/><circle cx="610" cy="320" r="13"/></g>
      <g fill="#fff" opacity=".8"><circle cx="150" cy="150" r="8"/><circle cx="300" cy="320" r="6"/><circle cx="980" cy="200" r="8"/><circle cx="1090" cy="420" r="6"/><circle cx="880" cy="90" r="5"/></g>`,
  },
  yard: {
    sky: '#d6e9f2',
    ground: '#7fae6b',
    shapes: `<g fill="#e8d9c3"><rect x="130" y="160" width="300" height="440"/><rect x="760" y="220" width="320" height="380"/></g>
      <g fill="#7da3b8"><rect x="170" y="210" width="60" height="70"/><rect x="330" y="210" width="60" height="70"/><rect x="170" y="340" width="60" height="70"/><rect x="330" y="340" width="60" height="70"/><rect x="800" y="270" width="60" height="70"/><rect x="980" y="270" width="60" height="70"/><rect x="800" y="400" width="60" height="70"/><rect x="980" y="400" width="60" height="70"/></g>
      <circle cx="600" cy="420" r="120" fill="#3f8a5c"/><rect x="585" y="520" width="30" height="110" fill="#6b4a31"/>
      <g fill="#8a5a36"><rect x="470" y="620" width="270" height="24" rx="6"/><rect x="495" y="644" width="20" height="56"/><rect x="695" y="644" width="20" height="56"/></g>`,
  },
}

/** Draws a cover for a few collects of the demonstration; the web app draws its own where there is none. */
export async function demonstrate(platform: Platform): Promise<void> {
  const rows = await platform.db
    .selectFrom('collects.collects')
    .select(['id', 'occasion'])
    .where('occasion', 'in', Object.keys(scenes))
    .execute()
  const covers: string[] = []
  for (const { occasion } of rows) {
    const { sky, ground, shapes } = scenes[occasion as keyof typeof scenes]
    const scene = `<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="800"><rect width="1200" height="800" fill="${sky}"/>
      <path d="M0 620Q600 540 1200 620V800H0z" fill="${ground}"/>${shapes}</svg>`
    covers.push(await keepPicture(platform, 'covers', await sharp(Buffer.from(scene)).png().toBuffer()))
  }
  await sql`update collects.collects c set cover = u.cover
    from unnest(${rows.map((r) => r.id)}::bigint[], ${covers}::text[]) u(id, cover) where c.id = u.id`.execute(
    platform.db,
  )
}
