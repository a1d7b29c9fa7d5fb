import type { CsvRow } from '../http/csv.ts'

export type ImportField =
  | 'number'
  | 'area'
  | 'account'
  | 'serial'
  | 'kind'
  | 'installed_on'
  | 'initial_value'
  | 'digits'
  | 'month'
  | 'value'
  | 'rollover'
export type RowFault = { field: ImportField | null; code: string; params?: Record<string, unknown> }

/** A row of a file as the database takes it; what it does not say is null. */
export type Row = Record<Exclude<ImportField, 'digits' | 'rollover'>, string | null> & {
  line: number
  digits: number | null
  rollover: boolean
  fault?: RowFault
  /** Something of it is new. */
  changed?: boolean
  /** Rows of the database that it speaks of, once they are known. */
  apartment?: number
  meter?: number
}

const decimal = (whole: number, digits: number) => (text: string) => {
  const plain = text.replace(/[\s\u00a0\u202f]/g, '').replace(',', '.')
  return new RegExp(`^\\d{1,${whole}}(\\.\\d{1,${digits}})?$`).test(plain) ? plain : undefined
}
const matching = (pattern: RegExp) => (text: string) => (pattern.test(text) ? text : undefined)

/** `2026-11-21` and `21.11.2026` are a day of the calendar. */
function day(text: string): string | undefined {
  const [, d, m, y] = /^(\d\d)\.(\d\d)\.(\d{4})$/.exec(text) ?? []
  const iso = d ? `${y}-${m}-${d}` : text
  if (!/^(19|20|21)\d\d-\d\d-\d\d$/.test(iso)) return undefined
  const time = new Date(`${iso}T00:00:00Z`)
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(iso) ? iso : undefined
}

/** `2026-11`, `11.2026` and any day of the month. */
function month(text: string): string | undefined {
  const [, m, y] = /^(\d\d)[./](\d{4})$/.exec(text) ?? []
  return day(m ? `${y}-${m}-01` : text.length === 7 ? `${text}-01` : text)
    ?.slice(0, 7)
    .concat('-01')
}

const kinds: [string, RegExp][] = [
  ['cold_water', /^(cold_water|cold|хвс|хол\S*( вода| водоснабжение)?)$/i],
  ['hot_water', /^(hot_water|hot|гвс|гор\S*( вода| водоснабжение)?)$/i],
]
const yes = /^(1|да|yes|true|\+)$/i
const no = /^(0|нет|no|false|-)$/i

const readers: Record<ImportField, (text: string) => string | undefined> = {
  number: matching(/^[^\r\n]{1,20}$/),
  area: (text) => {
    const area = decimal(6, 2)(text)
    return area && Number(area) > 0 ? area : undefined
  },
  account: matching(/^[0-9A-Za-zА-Яа-яЁё/.-]{1,30}$/),
  serial: matching(/^[^\r\n]{1,40}$/),
  kind: (text) => kinds.find(([, words]) => words.test(text))?.[0],
  installed_on: day,
  initial_value: decimal(9, 3),
  digits: matching(/^[4-9]$/),
  month,
  value: decimal(9, 3),
  rollover: (text) => (yes.test(text) ? 'yes' : no.test(text) ? 'no' : undefined),
}

/** The values of a row, or its first fault: what each alone can tell. */
export function parseRow({ line, values, fault }: CsvRow<ImportField>): Row {
  const row = {} as Record<ImportField, string | null>
  let found: RowFault | undefined = fault ? { field: null, code: fault } : undefined
  for (const [field, read] of Object.entries(readers) as [ImportField, (text: string) => string | undefined][]) {
    const text = values[field] ?? ''
    row[field] = text === '' ? null : (read(text) ?? null)
    if (text !== '' && row[field] === null) found ??= { field, code: `housing.import_${field}` }
  }
  const lacks = (field: ImportField) => ({ field, code: 'validation.required' })
  if (row.number === null) found ??= lacks('number')
  const meter = row.kind ?? row.installed_on ?? row.initial_value ?? row.month ?? row.value
  if (meter !== null && row.serial === null) found ??= lacks('serial')
  if (row.month === null && row.value !== null) found ??= lacks('month')
  if (row.value === null && row.month !== null) found ??= lacks('value')
  return {
    ...row,
    line,
    digits: row.digits === null ? null : Number(row.digits),
    rollover: row.rollover === 'yes',
    ...(found ? { fault: found } : {}),
  }
}
