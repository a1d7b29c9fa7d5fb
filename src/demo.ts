import { register } from './accounts/index.ts'
import { hashPassword } from './accounts/passwords.ts'
import type { Module, Platform } from './platform/module.ts'
import { seedModules } from './seed.ts'

/** Fills an empty database with a living example: neighbours, collects with covers, payments, a shop with orders. */
export async function demonstrate(platform: Platform, modules: Module[]): Promise<void> {
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
  await seedModules(platform, modules, { users: 40, collects: 14, payments: 600, products: 60, orders: 200 }, () => {})
  for (const module of modules) await module.demonstrate?.(platform)
}
