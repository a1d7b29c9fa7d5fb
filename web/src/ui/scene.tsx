import { useId } from 'react'
import { motifs } from './scene-motifs.tsx'

export type SceneKind = keyof typeof palettes

type Palette = {
  sky: [top: string, bottom: string]
  sun: string
  far: string
  near: string
  roof: string
  window: string
  ground: string
  path: string
  leaf: [string, string]
}

const palettes = {
  birthday: {
    sky: ['#ffdcc2', '#fff1e0'],
    sun: '#ffc46b',
    far: '#f3c6a5',
    near: '#e29a78',
    roof: '#b96a4f',
    window: '#fff0cf',
    ground: '#8fb98a',
    path: '#e6d9b4',
    leaf: ['#5f9a6a', '#4c8358'],
  },
  wedding: {
    sky: ['#f6d3d5', '#fdf0ea'],
    sun: '#fff5e2',
    far: '#ecc9c6',
    near: '#d9a5a6',
    roof: '#ae7378',
    window: '#fff3dc',
    ground: '#a9c39a',
    path: '#efe3cf',
    leaf: ['#7ea77c', '#688f69'],
  },
  new_year: {
    sky: ['#17304a', '#3d6384'],
    sun: '#f7efcf',
    far: '#2b4c6b',
    near: '#203a55',
    roof: '#e9f1f6',
    window: '#ffd583',
    ground: '#e8f0f5',
    path: '#d3e0ea',
    leaf: ['#2f6b58', '#255646'],
  },
  funeral: {
    sky: ['#b4b9c8', '#e3dfe0'],
    sun: '#f4ead8',
    far: '#b3b5c1',
    near: '#9194a5',
    roof: '#6d7084',
    window: '#d8d6d8',
    ground: '#94a29a',
    path: '#c5c6c0',
    leaf: ['#6f827a', '#5d6f68'],
  },
  charity: {
    sky: ['#bfe0d6', '#eef6ec'],
    sun: '#ffe2a0',
    far: '#b5d3c4',
    near: '#86b39f',
    roof: '#4f8672',
    window: '#fdf3d6',
    ground: '#79ad84',
    path: '#e2dfbd',
    leaf: ['#4d8f68', '#3d7856'],
  },
  yard: {
    sky: ['#bfe2ea', '#f0f6ec'],
    sun: '#ffdb8a',
    far: '#ecc9a0',
    near: '#dba678',
    roof: '#a8694a',
    window: '#fff4d8',
    ground: '#83b574',
    path: '#eadcb3',
    leaf: ['#559652', '#447f45'],
  },
  other: {
    sky: ['#f3ddac', '#fbf4e0'],
    sun: '#fff6d9',
    far: '#e6c78f',
    near: '#cda266',
    roof: '#94693d',
    window: '#fff5d6',
    ground: '#a3b472',
    path: '#ecdfb6',
    leaf: ['#7f9a4f', '#6a8441'],
  },
} satisfies Record<string, Palette>

/** The same row of numbers from 0 to 1 for the same seed (mulberry32). */
function dice(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

type House = { x: number; width: number; height: number; base: number; wall: string; gable: boolean }

function HouseShape({ house, palette, roll }: { house: House; palette: Palette; roll: () => number }) {
  const { x, width, height, base, wall, gable } = house
  const top = base - height
  const columns = Math.max(1, Math.floor((width - 14) / 24))
  const rows = Math.max(1, Math.floor((height - 26) / 32))
  const inset = (width - columns * 24 + 10) / 2
  const windows = Array.from({ length: columns * rows }, (_, i) => ({
    x: x + inset + (i % columns) * 24,
    y: top + 18 + Math.floor(i / columns) * 32,
    lit: roll() > 0.34,
  }))
  return (
    <g>
      <rect x={x} y={top} width={width} height={height + 40} fill={wall} />
      {gable ? (
        <path d={`M${x - 6} ${top} L${x + width / 2} ${top - 30} L${x + width + 6} ${top}Z`} fill={palette.roof} />
      ) : (
        <rect x={x - 4} y={top - 7} width={width + 8} height={9} rx={2} fill={palette.roof} />
      )}
      {windows.map((w) => (
        <rect
          key={`${w.x} ${w.y}`}
          x={w.x}
          y={w.y}
          width={14}
          height={18}
          rx={2}
          fill={palette.window}
          opacity={w.lit ? 0.95 : 0.35}
        />
      ))}
    </g>
  )
}

function Tree({ x, y, size, leaf }: { x: number; y: number; size: number; leaf: [string, string] }) {
  return (
    <g>
      <ellipse cx={x} cy={y + 2} rx={size * 0.62} ry={size * 0.12} fill="#000" opacity={0.08} />
      <rect x={x - size * 0.07} y={y - size * 0.8} width={size * 0.14} height={size * 0.8} rx={3} fill="#7b5a44" />
      <circle cx={x} cy={y - size * 1.15} r={size * 0.56} fill={leaf[0]} />
      <circle cx={x + size * 0.22} cy={y - size * 1.0} r={size * 0.36} fill={leaf[1]} />
    </g>
  )
}

/** A courtyard drawn for an occasion, never the same for two seeds: what stands where there is no photograph. */
export function Scene({ kind, seed }: { kind: SceneKind; seed: number }) {
  const gradient = useId()
  const palette: Palette = palettes[kind]
  const roll = dice(seed)
  const between = (low: number, high: number) => low + roll() * (high - low)
  const flip = roll() > 0.5
  const sunX = between(120, 480)
  const sunY = between(64, 110)
  const far: House[] = []
  for (let x = between(-30, 10); x < 600; ) {
    const width = between(70, 118)
    far.push({ x, width, height: between(80, 158), base: 292, wall: palette.far, gable: roll() > 0.55 })
    x += width + between(6, 26)
  }
  const near: House[] = [
    { x: -14, width: between(104, 132), height: between(190, 236), base: 318, wall: palette.near, gable: false },
    { x: between(486, 506), width: 130, height: between(150, 216), base: 322, wall: palette.near, gable: true },
  ]
  const Motif = motifs[kind]
  const flakes = kind === 'new_year' ? 46 : 0

  return (
    <svg viewBox="0 0 600 400" width="100%" height="100%" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <defs>
        <linearGradient id={gradient} x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stopColor={palette.sky[0]} />
          <stop offset="0.8" stopColor={palette.sky[1]} />
        </linearGradient>
      </defs>
      <rect width="600" height="400" fill={`url(#${gradient})`} />
      <circle cx={sunX} cy={sunY} r="70" fill={palette.sun} opacity="0.28" />
      <circle cx={sunX} cy={sunY} r="40" fill={palette.sun} />
      {flakes === 0 && (
        <g fill="#fff" opacity="0.62">
          <rect x={between(140, 220)} y={between(50, 90)} width="92" height="20" rx="10" />
          <rect x={between(330, 400)} y={between(96, 130)} width="70" height="16" rx="8" />
        </g>
      )}
      <g transform={flip ? 'translate(600 0) scale(-1 1)' : undefined}>
        <g opacity="0.85">
          {far.map((house) => (
            <HouseShape key={house.x} house={house} palette={palette} roll={roll} />
          ))}
        </g>
        {near.map((house) => (
          <HouseShape key={house.x} house={house} palette={palette} roll={roll} />
        ))}
        <path d="M-10 300 Q150 268 300 280 T610 292 V410 H-10Z" fill={palette.ground} />
        <path d="M250 400 Q300 340 292 282 L312 282 Q330 340 390 400Z" fill={palette.path} />
        <Tree x={between(128, 150)} y={318} size={between(58, 76)} leaf={palette.leaf} />
        <Tree x={between(452, 474)} y={326} size={between(50, 66)} leaf={palette.leaf} />
        <Tree x={between(38, 66)} y={356} size={between(56, 70)} leaf={palette.leaf} />
      </g>
      <Motif />
      {Array.from({ length: flakes }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: flakes are alike and never change places
        <circle key={i} cx={between(0, 600)} cy={between(0, 400)} r={between(1.4, 3.6)} fill="#fff" opacity="0.85" />
      ))}
    </svg>
  )
}
