import { type FieldFault, fieldFaults } from './errors.ts'
import type { Requisites } from './service.ts'

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
export function checkRequisites({ inn, bic, account, correspondent_account }: Requisites): void {
  const faults: FieldFault[] = []
  const wrong = (field: string) => faults.push({ path: `/requisites/${field}`, code: 'validation.check_digits' })
  if (inn && !innHolds(inn)) wrong('inn')
  if (bic && account && !keyHolds(bic.slice(-3), account)) wrong('account')
  if (bic && correspondent_account && !keyHolds(`0${bic.slice(4, 6)}`, correspondent_account))
    wrong('correspondent_account')
  if (faults.length) throw fieldFaults(faults)
}
