import { sql } from 'kysely'
import type { Seed } from '../platform/module.ts'
import { hashPassword } from './passwords.ts'
import { codeLetters } from './users.ts'

const chunk = 5000

/** People with names of the language and the password `resident`; users that are there already stay. */
export const seed: Seed = {
  options: { users: { default: 50, meaning: 'people' } },
  async run(platform, { users = 0 }, { locale, seed, progress }) {
    // Its words take 25 MB, and a server that seeds nothing has no use for them.
    const { fakerEN, fakerRU } = await import('@faker-js/faker')
    const faker = locale === 'ru' ? fakerRU : fakerEN
    faker.seed(seed)
    const password_hash = await hashPassword(platform, 'resident')
    for (let done = 0; done < users; done += chunk) {
      const people = Array.from({ length: Math.min(chunk, users - done) }, (_, i) => {
        const sex = faker.person.sexType()
        return {
          username: `resident${done + i + 1}`,
          first_name: faker.person.firstName(sex),
          last_name: faker.person.lastName(sex),
          patronymic: locale === 'ru' ? faker.person.middleName(sex) : '',
          invite_code: faker.string.fromCharacters(codeLetters, 6),
          phone: `79${String(100_000_000 + done + i + 1)}`,
        }
      })
      const column = (name: keyof (typeof people)[number]) => people.map((p) => p[name])
      // A person whose code or name is taken already is left out.
      await sql`
        insert into accounts.users (username, email, phone, first_name, last_name, patronymic, password_hash, locale, invite_code, created_at)
        select u, u || '@example.org', p, f, l, m, ${password_hash}, ${locale}, c, now() - make_interval(days => 400 - (n % 400)::int)
        from unnest(${column('username')}::text[], ${column('phone')}::text[], ${column('first_name')}::text[],
          ${column('last_name')}::text[], ${column('patronymic')}::text[], ${column('invite_code')}::text[])
          with ordinality t(u, p, f, l, m, c, n)
        on conflict do nothing`.execute(platform.db)
      progress('users', Math.min(done + chunk, users), users)
    }
  },
}
