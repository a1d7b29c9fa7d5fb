/** What stands in the middle of the courtyard, by occasion. Centred on x 300, its foot at y 352. */
function Balloon({ x, y, colour, foot }: { x: number; y: number; colour: string; foot: number }) {
  return (
    <g>
      <path d={`M${x} ${y + 44} Q${x - 8} ${y + 90} ${foot} 300`} fill="none" stroke="#6d5545" strokeWidth="2" />
      <path d={`M${x - 6} ${y + 46} h12 l-6 -9z`} fill={colour} />
      <ellipse cx={x} cy={y} rx="34" ry="42" fill={colour} />
      <ellipse
        cx={x - 12}
        cy={y - 15}
        rx="7"
        ry="11"
        fill="#fff"
        opacity="0.4"
        transform={`rotate(24 ${x - 12} ${y - 15})`}
      />
    </g>
  )
}

const Shade = ({ rx }: { rx: number }) => <ellipse cx="300" cy="353" rx={rx} ry="9" fill="#000" opacity="0.13" />

function Birthday() {
  return (
    <g>
      <Shade rx={86} />
      <Balloon x={236} y={172} colour="#4f8fa8" foot={296} />
      <Balloon x={366} y={164} colour="#f0b13f" foot={304} />
      <Balloon x={302} y={130} colour="#d65a4e" foot={300} />
      <rect x="238" y="290" width="124" height="62" rx="4" fill="#fbf4e6" />
      <rect x="230" y="276" width="140" height="22" rx="4" fill="#fffaf0" />
      <rect x="290" y="276" width="20" height="76" fill="#3e8659" />
      <path d="M300 276 C276 244 252 262 262 274 Z M300 276 C324 244 348 262 338 274 Z" fill="#2e7349" />
    </g>
  )
}

function Wedding() {
  const flowers = Array.from({ length: 15 }, (_, i) => Math.PI + (i / 14) * Math.PI)
  return (
    <g>
      <Shade rx={110} />
      <path
        d="M204 352 V226 A96 96 0 0 1 396 226 V352"
        fill="none"
        stroke="#fffaf3"
        strokeWidth="10"
        strokeLinecap="round"
      />
      {flowers.map((angle, i) => (
        <g key={angle} transform={`translate(${300 + 96 * Math.cos(angle)} ${226 + 96 * Math.sin(angle)})`}>
          <circle r={i % 2 ? 13 : 17} fill={['#c9606f', '#f2b8b5', '#7ea77c', '#fff'][i % 4]} />
          <circle r="5" fill="#f4d58d" opacity={i % 4 === 2 ? 0 : 1} />
        </g>
      ))}
      <g fill="none" strokeWidth="11">
        <circle cx="276" cy="262" r="36" stroke="#e0ac4f" />
        <circle cx="324" cy="262" r="36" stroke="#f0c56d" />
        <path d="M292.5 294 A36 36 0 0 0 309 276" stroke="#e0ac4f" />
      </g>
    </g>
  )
}

function NewYear() {
  const lights = [
    [300, 176, '#ffd166'],
    [278, 206, '#ef6f6c'],
    [322, 216, '#7cc6fe'],
    [258, 254, '#ffd166'],
    [300, 248, '#ef6f6c'],
    [344, 262, '#ffd166'],
    [240, 304, '#7cc6fe'],
    [284, 300, '#ffd166'],
    [324, 306, '#ef6f6c'],
    [362, 308, '#7cc6fe'],
  ] as const
  return (
    <g>
      <ellipse cx="300" cy="354" rx="112" ry="12" fill="#123" opacity="0.16" />
      <rect x="288" y="320" width="24" height="34" fill="#6b4a35" />
      <path d="M300 214 L392 334 H208Z" fill="#245b46" />
      <path d="M300 168 L374 272 H226Z" fill="#2f7257" />
      <path d="M300 126 L352 214 H248Z" fill="#3a8567" />
      <path d="M226 272 h148 l-12 -16 q-20 14 -40 0 q-22 14 -44 0 q-20 14 -40 0z" fill="#fff" opacity="0.85" />
      <path d="M248 214 h104 l-9 -15 q-16 12 -30 0 q-13 12 -26 0 q-14 12 -30 0z" fill="#fff" opacity="0.85" />
      <path
        d="M300 96 l7.6 16.4 18 2.2 -13.2 12.4 3.4 17.8 -15.8 -8.8 -15.8 8.8 3.4 -17.8 -13.2 -12.4 18 -2.2z"
        fill="#ffd166"
      />
      {lights.map(([x, y, colour]) => (
        <g key={`${x} ${y}`} fill={colour}>
          <circle cx={x} cy={y} r="12" opacity="0.25" />
          <circle cx={x} cy={y} r="5.5" />
        </g>
      ))}
    </g>
  )
}

function Funeral() {
  return (
    <g>
      <Shade rx={120} />
      <circle cx="300" cy="206" r="96" fill="#fff3d6" opacity="0.3" />
      <circle cx="300" cy="206" r="54" fill="#fff3d6" opacity="0.45" />
      <path d="M300 166 C322 194 321 222 300 226 C279 222 278 194 300 166Z" fill="#f2b544" />
      <path d="M300 190 C310 204 309 220 300 222 C291 220 290 204 300 190Z" fill="#fff6dd" />
      <rect x="298.5" y="222" width="3" height="14" fill="#4b4a52" />
      <path d="M276 236 Q300 228 324 236 V352 H276Z" fill="#fbf8f2" />
      <path d="M310 233 Q318 234 324 236 V352 H310Z" fill="#e7e1d6" />
      <g fill="none" stroke="#5d6f68" strokeWidth="4" strokeLinecap="round">
        <path d="M206 346 Q244 306 272 330" />
        <path d="M394 346 Q356 306 328 330" />
      </g>
      <g fill="#6f827a">
        <ellipse cx="222" cy="322" rx="15" ry="7" transform="rotate(-58 222 322)" />
        <ellipse cx="244" cy="308" rx="15" ry="7" transform="rotate(-34 244 308)" />
        <ellipse cx="236" cy="336" rx="15" ry="7" transform="rotate(8 236 336)" />
        <ellipse cx="378" cy="322" rx="15" ry="7" transform="rotate(58 378 322)" />
        <ellipse cx="356" cy="308" rx="15" ry="7" transform="rotate(34 356 308)" />
        <ellipse cx="364" cy="336" rx="15" ry="7" transform="rotate(-8 364 336)" />
      </g>
    </g>
  )
}

function Charity() {
  return (
    <g>
      <Shade rx={80} />
      <path
        d="M300 332 C236 286 206 250 206 210 C206 174 234 152 262 152 C280 152 294 162 300 176 C306 162 320 152 338 152 C366 152 394 174 394 210 C394 250 364 286 300 332Z"
        fill="#d9604f"
      />
      <path d="M338 152 C366 152 394 174 394 210 C394 250 364 286 300 332 C372 262 380 196 338 152Z" fill="#c04c3f" />
      <ellipse cx="248" cy="196" rx="14" ry="24" fill="#fff" opacity="0.3" transform="rotate(32 248 196)" />
      <g fill="none" stroke="#fdf6e3" strokeWidth="8" strokeLinecap="round">
        <path d="M300 284 V216" />
      </g>
      <path d="M300 240 C300 210 270 200 252 204 C254 232 276 246 300 240Z" fill="#fdf6e3" />
      <path d="M300 222 C302 192 330 184 348 190 C346 216 324 230 300 222Z" fill="#e8f1d8" />
    </g>
  )
}

function Yard() {
  return (
    <g>
      <Shade rx={130} />
      <rect x="392" y="176" width="8" height="178" rx="3" fill="#3d4a44" />
      <path d="M376 176 h40 l-8 -26 h-24z" fill="#3d4a44" />
      <rect x="384" y="154" width="24" height="18" rx="3" fill="#ffe6a6" />
      <circle cx="396" cy="164" r="40" fill="#ffe6a6" opacity="0.25" />
      <g fill="#8f5b39">
        <rect x="196" y="248" width="168" height="15" rx="5" />
        <rect x="196" y="269" width="168" height="15" rx="5" />
        <rect x="188" y="300" width="184" height="17" rx="5" fill="#a56c46" />
      </g>
      <g fill="#3d4a44">
        <path d="M206 240 h9 v114 h-9z M345 240 h9 v114 h-9z" />
        <path d="M196 312 h9 v42 h-9z M356 312 h9 v42 h-9z" />
      </g>
      <path d="M252 300 q-4 -30 20 -32 q22 -2 20 32z" fill="#f0ece2" />
      <path d="M258 272 l-3 -13 11 8 M286 271 l4 -13 -12 8" fill="#f0ece2" />
      <path d="M292 296 q22 4 18 -18" fill="none" stroke="#f0ece2" strokeWidth="7" strokeLinecap="round" />
    </g>
  )
}

function Other() {
  const flags = ['#d65a4e', '#3e8659', '#4f8fa8', '#f0b13f', '#d65a4e', '#3e8659', '#4f8fa8']
  return (
    <g>
      <path d="M96 128 Q300 236 504 128" fill="none" stroke="#6d5545" strokeWidth="3" />
      {flags.map((colour, i) => {
        const x = 132 + i * 52
        const y = 182 - ((x - 288) / 26) ** 2 * 0.68
        return <path key={x} d={`M${x} ${y} h32 l-16 36z`} fill={colour} />
      })}
      <Shade rx={112} />
      <rect x="214" y="292" width="172" height="12" rx="4" fill="#a56c46" />
      <path d="M230 304 h10 l-8 50 h-10z M360 304 h10 l8 50 h-10z" fill="#8f5b39" />
      <path d="M262 292 v-34 h56 v34 q0 0 -8 0 h-40z" fill="#fbf4e6" />
      <path d="M318 264 q20 -2 20 11 q0 13 -20 11" fill="none" stroke="#fbf4e6" strokeWidth="7" />
      <path
        d="M278 248 q-6 -10 0 -18 q6 -8 0 -18 M300 248 q-6 -10 0 -18 q6 -8 0 -18"
        fill="none"
        stroke="#fff"
        strokeWidth="4"
        strokeLinecap="round"
        opacity="0.8"
      />
      <circle cx="352" cy="284" r="9" fill="#d9a25c" />
      <circle cx="236" cy="283" r="10" fill="#d65a4e" />
    </g>
  )
}

export const motifs = {
  birthday: Birthday,
  wedding: Wedding,
  new_year: NewYear,
  funeral: Funeral,
  charity: Charity,
  yard: Yard,
  other: Other,
}
