import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox'

/** Identity of a row: a JSON integer. */
export const Id = (description?: string) =>
  Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    examples: [1],
    ...(description ? { description } : {}),
  })

/** Input of money; what the handler gets is a decimal string with two digits. */
export const MoneyInput = (minimum: string, description = 'Decimal string; numbers are taken too') =>
  Type.Unsafe<string>({ type: ['string', 'number'], 'x-money': { minimum }, description, examples: ['1500.00'] })

/** Input of another exact quantity, with so many digits after the point and at most so many before it. */
export const DecimalInput = (digits: number, whole: number, minimum: string, example: string) =>
  Type.Unsafe<string>({
    type: ['string', 'number'],
    'x-money': { minimum, digits, whole },
    description: `Decimal string with at most ${digits} digits after the point; numbers are taken too`,
    examples: [example],
  })

/** Output of money: a decimal string with two digits. */
export const Money = Type.String({ pattern: '^-?\\d+\\.\\d{2}$', examples: ['1500.00'] })

/** An instant in UTC. */
export const Instant = Type.String({ format: 'date-time', examples: ['2026-11-21T09:00:00Z'] })

/** A month as `YYYY-MM`, in an answer and as it is taken; a day. */
export const Month = Type.String({ pattern: '^\\d{4}-\\d{2}$', examples: ['2026-11'] })
export const MonthInput = Type.String({ format: 'month', examples: ['2026-11'] })
export const Day = Type.String({ format: 'date', examples: ['2026-11-21'] })

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const Choice = <const T extends string[]>(values: readonly [...T], options: object = {}) =>
  Type.Enum([...values] as [...T], { type: 'string', ...options })

/** Text of a person: no zero bytes; `line` is one line and not blank. */
export const Text = (maxLength: number, options: object = {}) => Type.String({ maxLength, format: 'text', ...options })
export const Line = (maxLength: number, options: object = {}) =>
  Type.String({ minLength: 1, maxLength, format: 'line', ...options })

/** A body or query that refuses unknown fields. */
export const Closed = <P extends TProperties>(properties: P, options: object = {}): TObject<P> =>
  Type.Object(properties, { additionalProperties: false, ...options })

/** The answer of a 204. */
export const NoContent = Type.Unsafe<void>({ type: 'null', description: 'Done' })

export const IdParams = Closed({ id: Id() })
export const NoQuery = Closed({})

export const PersonRef = Type.Object({ id: Type.Integer(), full_name: Type.String() })

/** RFC 9457; a field that is not named here would be cut from every error. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'Stable name of the fault' }),
    instance: Type.String({ description: 'Id of the request' }),
    values: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'What it is about: the `total_price` of now' }),
    ),
    errors: Type.Optional(
      Type.Array(Type.Object({ path: Type.String(), message: Type.String(), code: Type.String() })),
    ),
  },
  { $id: 'Problem', description: 'RFC 9457 problem' },
)

/** A named shape of the OpenAPI document, to be registered once and referred to in answers. */
export const Ref = <T extends TSchema>(_schema: T, id: string) => Type.Unsafe<Static<T>>(Type.Ref(id))
