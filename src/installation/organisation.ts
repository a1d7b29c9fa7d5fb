import { type Static, Type } from 'typebox'
import { Closed, Line, NoQuery, Nullable } from '../http/schemas.ts'
import { hasRole, mayEverything } from '../platform/access.ts'
import { type Actor, recordChange } from '../platform/audit.ts'
import { transaction } from '../platform/database.ts'
import { type FieldFault, fieldFaults } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'

const requisiteField = (pattern: string, example: string) =>
  Type.Optional(Nullable(Type.String({ pattern, maxLength: 300, format: 'text', examples: [example] })))
const Requisites = Closed({
  payee: requisiteField('^.{1,160}$', 'ТСЖ «Двор»'),
  inn: requisiteField('^(\\d{10}|\\d{12})$', '7707083893'),
  kpp: requisiteField('^\\d{9}$', '773601001'),
  bic: requisiteField('^\\d{9}$', '044525225'),
  bank_name: requisiteField('^.{1,45}$', 'ПАО Сбербанк'),
  account: requisiteField('^\\d{20}$', '40702810938000000001'),
  correspondent_account: requisiteField('^\\d{20}$', '30101810400000000225'),
  phone: requisiteField('^[\\d +()-]{5,30}$', '+7 495 000-00-00'),
  email: requisiteField('^[^@\\s]+@[^@\\s]+$', 'office@example.org'),
})
export type Requisites = Static<typeof Requisites>

const Organisation = Type.Object({
  name: Type.String({ examples: ['Двор'] }),
  locale: Type.String(),
  currency: Type.String(),
  timezone: Type.String(),
  modules: Type.Array(Type.String()),
  requisites: Type.Optional(
    Type.Unsafe<Requisites>(
      Type.Object(
        Object.fromEntries(
          Object.keys(Requisites.properties).map((name) => [name, Type.Optional(Nullable(Type.String()))]),
        ),
      ),
    ),
  ),
})

const OrganisationChange = Closed({ name: Type.Optional(Line(200)), requisites: Type.Optional(Requisites) })

export function organisationRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/organisation',
    {
      config: { access: 'anyone' },
      schema: {
        summary: 'The organisation; administrators see its requisites too',
        querystring: NoQuery,
        response: { 200: Organisation },
      },
    },
    (req) => getOrganisation(platform, hasRole(req.viewer, 'admin', 'auditor')),
  )
  app.patch(
    '/api/organisation',
    {
      config: { access: mayEverything },
      schema: { summary: 'Change name and requisites', body: OrganisationChange, response: { 200: Organisation } },
    },
    (req) => changeOrganisation(platform, req.user, req.body),
  )
}

/** Who runs this installation, and how it counts and speaks. */
export async function getOrganisation({ db, config }: Platform, withRequisites: boolean) {
  const row = await db.selectFrom('platform.installation').select(['name', 'requisites']).executeTakeFirstOrThrow()
  return {
    name: row.name,
    locale: config.LOCALE,
    currency: config.CURRENCY,
    timezone: config.TIMEZONE,
    modules: config.MODULES,
    ...(withRequisites ? { requisites: row.requisites as Requisites } : {}),
  }
}

/** Changes what is given; requisites whose control digits do not match are refused. */
export async function changeOrganisation(
  platform: Platform,
  actor: Actor,
  { name, requisites }: Static<typeof OrganisationChange>,
) {
  await transaction(platform.db, async (tx) => {
    const before = await tx
      .selectFrom('platform.installation')
      .select(['name', 'requisites'])
      .forUpdate()
      .executeTakeFirstOrThrow()
    const merged = { ...(before.requisites as Requisites), ...requisites }
    checkRequisites(merged)
    await tx
      .updateTable('platform.installation')
      .set({ name: name ?? before.name, requisites: JSON.stringify(merged) })
      .execute()
    await recordChange(tx, actor, {
      action: 'platform.change_organisation',
      subject: 'platform.installation',
      subject_id: null,
      before: { name: before.name, ...(before.requisites as Requisites) },
      after: { name: name ?? before.name, ...merged },
    })
  })
  return getOrganisation(platform, true)
}

const weighted = (digits: string, weights: number[]) =>
  weights.reduce((sum, weight, i) => sum + weight * Number(digits[i]), 0)

/** Order of the Federal Tax Service ММВ-7-6/435: one control digit of ten, two of twelve. */
function innHolds(inn: string): boolean {
  const digit = (weights: number[]) => (weighted(inn, weights) % 11) % 10
  if (inn.length === 10) return digit([2, 4, 10, 3, 5, 9, 4, 6, 8]) === Number(inn[9])
  return (
    digit([7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) === Number(inn[10]) &&
    digit([3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) === Number(inn[11])
  )
}

/** Bank of Russia 515, the key of an account: weights 7, 1, 3 over three digits of the BIC and the account. */
const keyHolds = (prefix: string, account: string) =>
  [...(prefix + account)].reduce((sum, digit, i) => sum + ((Number(digit) * [7, 1, 3][i % 3]!) % 10), 0) % 10 === 0

/** Refuses requisites whose control digits do not match, naming each field. */
function checkRequisites({ inn, bic, account, correspondent_account }: Requisites): void {
  const faults: FieldFault[] = []
  const wrong = (field: string) => faults.push({ path: `/requisites/${field}`, code: 'validation.check_digits' })
  if (inn && !innHolds(inn)) wrong('inn')
  if (bic && account && !keyHolds(bic.slice(-3), account)) wrong('account')
  if (bic && correspondent_account && !keyHolds(`0${bic.slice(4, 6)}`, correspondent_account))
    wrong('correspondent_account')
  if (faults.length) throw fieldFaults(faults)
}
