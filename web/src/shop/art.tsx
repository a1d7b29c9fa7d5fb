import type { Category } from './queries.ts'

type Colours = [back: string, disc: string, main: string, shade: string, light: string]

/** Three papers for each category, so that neighbours in the grid differ. */
const colours: Record<Category, Colours[]> = {
  home: [
    ['#e7efdf', '#d3e2c8', '#c9754f', '#a95c3a', '#4c8358'],
    ['#efe6d6', '#e3d4b9', '#4f8fa8', '#3c7288', '#5f9a6a'],
    ['#f3e1da', '#e8ccc0', '#e0ac4f', '#c08c33', '#3d7856'],
  ],
  electronics: [
    ['#dfe9ee', '#c9dbe4', '#f6f1e6', '#3d4a54', '#d65a4e'],
    ['#ebe6f0', '#dad0e4', '#5b6f9a', '#2d3850', '#f0b13f'],
    ['#e3ece4', '#cfdfd2', '#e36c62', '#4a2c2a', '#fbf4e6'],
  ],
  clothing: [
    ['#f2e3dc', '#e6cfc4', '#3e8659', '#2e6b46', '#fffaf0'],
    ['#e4e9f0', '#cfd9e6', '#d9a25c', '#b9823e', '#fffaf0'],
    ['#f0ead9', '#e4d9bc', '#4f7fa8', '#3b6488', '#fffaf0'],
  ],
  books: [
    ['#efe5d3', '#e2d3b6', '#b3563f', '#8f3f2c', '#f0b13f'],
    ['#e1ebe6', '#cbdcd3', '#3e6f86', '#2d5668', '#d9a25c'],
    ['#ece3ea', '#dccdd9', '#6d5b8c', '#53446e', '#72ae86'],
  ],
  services: [
    ['#f4e9d0', '#ead9ae', '#cb5a3f', '#a5432b', '#76726a'],
    ['#e0eaec', '#cadbde', '#3e7f86', '#2c646a', '#5c645e'],
    ['#ece8df', '#dbd5c6', '#d39a35', '#b07c20', '#5c5a54'],
  ],
  other: [
    ['#e9ebdc', '#d8dcc2', '#d9a941', '#b38423', '#8a6a2e'],
    ['#e3e6ef', '#cfd4e4', '#a98b5f', '#876c43', '#6d5545'],
    ['#f1e3e0', '#e4cdc8', '#72ae86', '#549a6d', '#3d7856'],
  ],
}

type Paint = { main: string; shade: string; light: string }

const Home = ({ main, shade, light }: Paint) => (
  <g>
    <path d="M300 250 C292 190 300 150 302 108" stroke={light} strokeWidth="9" fill="none" strokeLinecap="round" />
    <path d="M301 190 C256 190 236 160 232 126 C272 126 300 150 301 190Z" fill={light} />
    <path d="M302 168 C344 166 366 138 370 104 C330 106 304 130 302 168Z" fill={light} opacity="0.82" />
    <path d="M300 232 C262 234 236 214 224 188 C264 184 292 202 300 232Z" fill={light} opacity="0.7" />
    <path d="M301 228 C338 230 366 212 378 184 C338 182 310 200 301 228Z" fill={light} />
    <path d="M232 262 H368 L352 338 Q350 346 342 346 H258 Q250 346 248 338Z" fill={main} />
    <rect x="222" y="240" width="156" height="30" rx="8" fill={shade} />
  </g>
)
const Electronics = ({ main, shade, light }: Paint) => (
  <g>
    <path d="M366 176 C430 176 430 306 358 306" fill="none" stroke={shade} strokeWidth="20" strokeLinecap="round" />
    <path d="M242 158 L196 182 Q190 186 194 192 L232 226Z" fill={main} />
    <path
      d="M246 136 H354 Q362 136 363 144 L378 318 Q379 328 369 328 H231 Q221 328 222 318 L237 144 Q238 136 246 136Z"
      fill={main}
    />
    <path d="M240 136 Q300 96 360 136Z" fill={shade} />
    <circle cx="300" cy="108" r="11" fill={shade} />
    <rect x="212" y="326" width="176" height="20" rx="8" fill={shade} />
    <rect x="286" y="206" width="28" height="82" rx="14" fill={shade} opacity="0.25" />
    <rect x="286" y="246" width="28" height="42" rx="14" fill="#8cc3dc" />
    <circle cx="346" cy="336" r="5" fill={light} />
  </g>
)
const Clothing = ({ main, shade, light }: Paint) => (
  <g>
    <path
      d="M300 126 V106 C300 92 322 96 318 80 C314 68 296 70 294 82"
      fill="none"
      stroke={shade}
      strokeWidth="7"
      strokeLinecap="round"
    />
    <path
      d="M252 128 L186 166 Q180 170 183 177 L206 226 Q209 232 215 230 L240 220 V338 Q240 346 248 346 H352 Q360 346 360 338 V220 L385 230 Q391 232 394 226 L417 177 Q420 170 414 166 L348 128 Q300 168 252 128Z"
      fill={main}
    />
    <path d="M252 128 Q300 168 348 128 L336 122 Q300 148 264 122Z" fill={shade} />
    <path d="M240 220 L232 186 M360 220 L368 186" stroke={shade} strokeWidth="5" strokeLinecap="round" />
    <path d="M300 212 l46 38 h-12 v40 h-68 v-40 h-12z" fill={light} />
    <rect x="291" y="262" width="18" height="28" rx="2" fill={main} />
  </g>
)
const Books = ({ main, shade, light }: Paint) => (
  <g>
    <rect x="196" y="302" width="208" height="44" rx="7" fill={shade} />
    <rect x="210" y="310" width="194" height="28" rx="3" fill="#fbf4e6" />
    <rect x="214" y="256" width="186" height="46" rx="7" fill={light} />
    <rect x="214" y="264" width="172" height="30" rx="3" fill="#fbf4e6" />
    <g transform="rotate(-7 300 180)">
      <rect x="226" y="96" width="142" height="164" rx="8" fill={main} />
      <rect x="226" y="96" width="24" height="164" rx="8" fill={shade} />
      <path d="M310 142 l34 28 h-9 v32 h-50 v-32 h-9z" fill="#fbf4e6" />
      <rect x="276" y="222" width="68" height="8" rx="4" fill="#fbf4e6" opacity="0.75" />
    </g>
  </g>
)
const Services = ({ main, shade, light }: Paint) => (
  <g>
    <path d="M262 196 V168 Q262 152 278 152 H322 Q338 152 338 168 V196" fill="none" stroke={light} strokeWidth="14" />
    <g transform="rotate(24 236 150)">
      <rect x="226" y="130" width="20" height="110" rx="8" fill={light} />
      <path d="M214 88 a30 30 0 1 0 44 0 v30 h-12 v-24 h-20 v24 h-12z" fill={light} />
    </g>
    <g transform="rotate(-18 372 150)">
      <rect x="362" y="120" width="20" height="110" rx="8" fill="#a56c46" />
      <rect x="342" y="88" width="66" height="36" rx="8" fill={light} />
    </g>
    <rect x="186" y="194" width="228" height="152" rx="16" fill={main} />
    <path d="M186 252 V210 Q186 194 202 194 H398 Q414 194 414 210 V252Z" fill={shade} />
    <rect x="276" y="234" width="48" height="40" rx="8" fill="#fbf4e6" />
    <rect x="291" y="248" width="18" height="12" rx="4" fill={shade} />
  </g>
)
const Other = ({ main, shade, light }: Paint) => (
  <g>
    <circle cx="232" cy="150" r="34" fill="none" stroke={light} strokeWidth="9" />
    <g transform="rotate(38 268 176)">
      <circle cx="268" cy="176" r="52" fill={main} />
      <circle cx="252" cy="176" r="17" fill={light} opacity="0.55" />
      <rect x="312" y="162" width="150" height="28" rx="8" fill={main} />
      <path d="M404 188 h18 v30 h-18z M436 188 h20 v42 h-20z" fill={shade} />
    </g>
    <g transform="rotate(86 240 190)">
      <rect x="250" y="172" width="112" height="52" rx="26" fill={shade} />
      <circle cx="336" cy="198" r="11" fill="#fbf4e6" />
    </g>
  </g>
)

const motifs = {
  home: Home,
  electronics: Electronics,
  clothing: Clothing,
  books: Books,
  services: Services,
  other: Other,
}

/** A thing drawn for its category: what stands where there is no photograph. */
export function Art({ category, seed }: { category: Category; seed: number }) {
  const papers = colours[category]
  const [back, disc, main, shade, light] = papers[seed % papers.length]!
  const Motif = motifs[category]
  return (
    <svg viewBox="0 0 600 400" width="100%" height="100%" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <rect width="600" height="400" fill={back} />
      <circle cx="300" cy="214" r="158" fill={disc} />
      <ellipse cx="300" cy="350" rx="132" ry="10" fill="#000" opacity="0.12" />
      <Motif main={main} shade={shade} light={light} />
    </svg>
  )
}

/** The first picture of a product, or a thing drawn for its category. */
export function ProductPicture({
  product,
}: {
  product: { id: number; category: Category; pictures: { url: string }[] }
}) {
  const picture = product.pictures[0]
  return picture ? (
    <img src={picture.url} alt="" loading="lazy" />
  ) : (
    <Art category={product.category} seed={product.id} />
  )
}
