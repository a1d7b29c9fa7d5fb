/** A setting: its default, how its text is read, and what it means. Reading throws in words that follow its name. */
export type Setting<T> = {
  default: string
  read(text: string, environment?: Record<string, string | undefined>): T
  secret?: boolean
  meaning: string
}
export type Settings = Record<string, Setting<unknown>>
export type Values<S extends Settings> = { [K in keyof S]: ReturnType<S[K]['read']> }

export const fault = (what: string): never => {
  throw new Error(what)
}
export const text = (meaning: string, value = ''): Setting<string> => ({ default: value, read: (t) => t, meaning })
export const secret = (meaning: string): Setting<string> => ({ ...text(meaning), secret: true })
export const integer = (meaning: string, value: number, min: number, max: number): Setting<number> => ({
  default: String(value),
  meaning,
  read: (t) =>
    /^\d+$/.test(t) && Number(t) >= min && Number(t) <= max
      ? Number(t)
      : fault(`must be a whole number from ${min} to ${max}`),
})
export const choice = <const T extends string>(meaning: string, value: T | '', ...allowed: T[]): Setting<T> => ({
  default: value,
  meaning,
  read: (t) => (allowed.includes(t as T) ? (t as T) : fault(`must be one of ${allowed.join(', ')}`)),
})
/** A word such as `memory`, or a URL of one of the schemes. An empty default means that nothing is configured. */
export const place = (meaning: string, value: string, words: string[], schemes: string[]): Setting<string> => ({
  default: value,
  meaning,
  secret: true,
  read: (t) => {
    if (t === value || words.includes(t)) return t
    if (schemes.includes(URL.parse(t)?.protocol.slice(0, -1) ?? '')) return t
    return fault(`must be ${[...words, ...schemes.map((s) => `${s}://…`)].join(', ')}`)
  },
})
/** Words by comma. */
export const words = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean)

/** Schemes of a place that is called. */
export const http = ['http', 'https']

/** The values of a module's own settings, which the process read with all others. */
export const settingsOf = <S extends Settings>(config: object, _settings: S): Values<S> => config as Values<S>
