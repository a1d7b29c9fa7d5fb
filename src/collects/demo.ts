import { sql } from 'kysely'
import sharp from 'sharp'
import type { Platform } from '../platform/module.ts'
import { keepCover } from './covers.ts'
import type { occasions } from './schemas.ts'

type Occasion = (typeof occasions)[number]

/** Sky, ground and a few plain shapes for each occasion, on a field of 1200×800. */
const scenes: Record<Occasion, { sky: string; ground: string; shapes: string }> = {
  birthday: {
    sky: '#f6d8c6',
    ground: '#e9a178',
    shapes: `<g fill="#fff"><rect x="420" y="420" width="360" height="180" rx="24"/><rect x="480" y="320" width="240" height="120" rx="20" fill="#fbe9df"/></g>
      <g fill="#c2553d"><rect x="520" y="240" width="14" height="80"/><rect x="593" y="230" width="14" height="90"/><rect x="666" y="240" width="14" height="80"/></g>
      <g fill="#f2b632"><circle cx="527" cy="226" r="14"/><circle cx="600" cy="214" r="14"/><circle cx="673" cy="226" r="14"/></g>`,
  },
  wedding: {
    sky: '#efe6ef',
    ground: '#cdb7cf',
    shapes: `<g fill="none" stroke="#c79a3b" stroke-width="30"><circle cx="530" cy="420" r="130"/><circle cx="670" cy="420" r="130"/></g><path d="M600 210l34 46-34 40-34-40z" fill="#fff"/>`,
  },
  new_year: {
    sky: '#20394f',
    ground: '#eef4f7',
    shapes: `<g fill="#2f7d58"><path d="M600 130l150 200H450z"/><path d="M600 250l190 230H410z"/><path d="M600 390l230 250H370z"/></g><rect x="575" y="640" width="50" height="70" fill="#6b4a31"/>
      <path d="M600 90l13 27 30 4-22 21 5 30-26-14-26 14 5-30-22-21 30-4z" fill="#f2c14e"/><g fill="#e4572e"><circle cx="540" cy="420" r="15"/><circle cx="660" cy="540" r="15"/><circle cx="610" cy="320" r="13"/></g>
      <g fill="#fff" opacity=".8"><circle cx="150" cy="150" r="8"/><circle cx="300" cy="320" r="6"/><circle cx="980" cy="200" r="8"/><circle cx="1090" cy="420" r="6"/><circle cx="880" cy="90" r="5"/></g>`,
  },
  funeral: {
    sky: '#d9dde0',
    ground: '#a3adb3',
    shapes: `<rect x="575" y="300" width="50" height="290" rx="8" fill="#f7f4ea"/><path d="M600 200c34 46 34 74 0 96-34-22-34-50 0-96z" fill="#e0a63c"/>`,
  },
  charity: {
    sky: '#dcebe6',
    ground: '#8fbfae',
    shapes: `<path d="M600 620C330 460 360 250 500 250c60 0 90 40 100 74 10-34 40-74 100-74 140 0 170 210-100 370z" fill="#c94f4f"/>`,
  },
  yard: {
    sky: '#d6e9f2',
    ground: '#7fae6b',
    shapes: `<g fill="#e8d9c3"><rect x="130" y="160" width="300" height="440"/><rect x="760" y="220" width="320" height="380"/></g>
      <g fill="#7da3b8"><rect x="170" y="210" width="60" height="70"/><rect x="330" y="210" width="60" height="70"/><rect x="170" y="340" width="60" height="70"/><rect x="330" y="340" width="60" height="70"/><rect x="800" y="270" width="60" height="70"/><rect x="980" y="270" width="60" height="70"/><rect x="800" y="400" width="60" height="70"/><rect x="980" y="400" width="60" height="70"/></g>
      <circle cx="600" cy="420" r="120" fill="#3f8a5c"/><rect x="585" y="520" width="30" height="110" fill="#6b4a31"/>
      <g fill="#8a5a36"><rect x="470" y="620" width="270" height="24" rx="6"/><rect x="495" y="644" width="20" height="56"/><rect x="695" y="644" width="20" height="56"/></g>`,
  },
  other: {
    sky: '#f3ead3',
    ground: '#d9b96e',
    shapes: `<rect x="430" y="330" width="340" height="260" rx="20" fill="#1f6f50"/><rect x="580" y="330" width="40" height="260" fill="#f2c14e"/><path d="M600 330c-90-10-120-100-60-110 50-8 60 60 60 110 0-50 10-118 60-110 60 10 30 100-60 110z" fill="#f2c14e"/>`,
  },
}

/** Draws a cover for two of three collects of the demonstration. */
export async function demonstrate(platform: Platform): Promise<void> {
  const rows = await platform.db
    .selectFrom('collects.collects')
    .select(['id', 'occasion'])
    .where(sql<boolean>`id % 3 <> 0`)
    .execute()
  const covers: string[] = []
  for (const { occasion } of rows) {
    const { sky, ground, shapes } = scenes[occasion as Occasion]
    const scene = `<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="800"><rect width="1200" height="800" fill="${sky}"/>
      <path d="M0 620Q600 540 1200 620V800H0z" fill="${ground}"/>${shapes}</svg>`
    covers.push(await keepCover(platform, await sharp(Buffer.from(scene)).png().toBuffer()))
  }
  await sql`update collects.collects c set cover = u.cover
    from unnest(${rows.map((r) => r.id)}::bigint[], ${covers}::text[]) u(id, cover) where c.id = u.id`.execute(
    platform.db,
  )
}
