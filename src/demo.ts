import { register } from './accounts/index.ts'
import { hashPassword } from './accounts/passwords.ts'
import { changeOrganisation } from './installation/organisation.ts'
import type { Module, Platform } from './platform/module.ts'
import { seedModules } from './seed.ts'

/** Of nobody, with control digits that hold. */
const requisites = {
  payee: 'ТСЖ «Садовая, 12»',
  inn: '7700999126',
  kpp: '770001001',
  bic: '044500999',
  bank_name: 'Банк «Пример»',
  account: '40703810300000000012',
  correspondent_account: '30101810500000000999',
  phone: '+7 495 000-00-12',
  email: 'office@example.org',
}

/** Fills an empty database with a living example: neighbours, collects with covers, payments, a shop with orders. */
export async function demonstrate(platform: Platform, modules: Module[]): Promise<void> {
  await changeOrganisation(platform, undefined, { name: 'Дом на Садовой, 12', requisites })
  await register(
    platform,
    {
      username: 'resident',
      email: 'resident@example.org',
      password: 'resident!demo',
      first_name: 'Анна',
      last_name: 'Соколова',
      patronymic: 'Игоревна',
    },
    { locale: 'ru' },
  )
  // Shorter than a person may choose: the demonstration says so when it starts.
  await platform.db
    .updateTable('accounts.users')
    .set({ password_hash: await hashPassword(platform, 'resident') })
    .where('username', '=', 'resident')
    .execute()
  await seedModules(
    platform,
    modules,
    {
      ...{ users: 40, collects: 14, payments: 600, products: 60, orders: 200, houses: 3, apartments: 120, months: 12 },
      ...{ clients: 180, mailings: 3, messages: 540 },
    },
    () => {},
  )
  for (const module of modules) await module.demonstrate?.(platform)
}
