import type { Requisites } from '../installation/index.ts'

/** Whom and what a payment is for; `sum` is a decimal string above zero. */
export type Due = {
  requisites: Requisites
  sum: string
  purpose: string
  account: string
  address: string
  /** `YYYY-MM`. */
  month: string
  service: string
  payer?: { last_name: string; first_name: string; patronymic: string }
}

const required = ['payee', 'account', 'bank_name', 'bic', 'correspondent_account'] as const
/** Bytes of the head and the five fields that every payment needs. */
const headBytes = 300

const cut = (text: string, length: number) => [...text.replace(/\s+/g, ' ').trim()].slice(0, length).join('')

/**
 * The text of a payment QR code by ГОСТ Р 56042-2014 in UTF-8, with the fields of housing (TechCode 02) and the sum in
 * kopecks; nothing where the requisites do not suffice. A field that is too long is cut, and the name of the payee so
 * that the head keeps its size; where a value holds the usual separator, another divides the whole.
 */
export function paymentCode(due: Due): string | undefined {
  const r = due.requisites
  if (required.some((name) => !r[name])) return undefined
  const [year, month] = due.month.split('-')
  const fields: [string, string][] = [
    ['Name', cut(r.payee!, 160)],
    ['PersonalAcc', r.account!],
    ['BankName', cut(r.bank_name!, 45)],
    ['BIC', r.bic!],
    ['CorrespAcc', r.correspondent_account!],
    ['Sum', due.sum.replace('.', '').replace(/^0+(?=\d)/, '')],
    ['Purpose', cut(due.purpose, 160)],
    ['PayeeINN', r.inn ?? ''],
    ['KPP', r.kpp ?? ''],
    ['LastName', cut(due.payer?.last_name ?? '', 50)],
    ['FirstName', cut(due.payer?.first_name ?? '', 50)],
    ['MiddleName', cut(due.payer?.patronymic ?? '', 50)],
    ['PayerAddress', cut(due.address, 200)],
    ['PersAcc', due.account],
    ['PaymPeriod', `${month}${year}`],
    ['ServiceName', cut(due.service, 160)],
    ['TechCode', '02'],
  ]
  const present = fields.filter(([, value]) => value !== '')
  const separator = ['|', '~', '^', '`', '\\'].find((s) => !present.some(([, value]) => value.includes(s)))
  if (!separator) return undefined
  const name = present[0]!
  const head = () =>
    `ST00012${present
      .slice(0, 5)
      .map(([key, value]) => `${separator}${key}=${value}`)
      .join('')}`
  while (name[1] && Buffer.byteLength(head()) > headBytes) name[1] = cut([...name[1]].slice(0, -1).join(''), 160)
  return `ST00012${present.map(([key, value]) => `${separator}${key}=${value}`).join('')}`
}
