import { randomBytes, randomUUID } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFirstAdmin } from './accounts/index.ts'
import { enabledModules } from './app.ts'
import { dataFolder } from './platform/config.ts'
import type { Platform } from './platform/module.ts'

/**
 * Makes the first administrator of an empty database, and the demonstration if it is asked for. Whoever made it tells the
 * password: a terminal shows it, any other output may be a log that many read and gets the name of a file instead.
 */
export async function firstStart(platform: Platform, demo: boolean, say: (text: string) => void): Promise<void> {
  const { config } = platform
  const { ADMIN_USERNAME: username, ADMIN_EMAIL: email } = config
  if (demo) {
    if (!(await createFirstAdmin(platform, { username, email, password: 'admin' })))
      return say('The database is not empty, so no demonstration was added.')
    const { demonstrate } = await import('./demo.ts')
    await demonstrate(platform, enabledModules(config))
    return say(
      'This is a demonstration with well-known passwords: admin/admin and resident/resident. Never open it to others.',
    )
  }
  if (config.ADMIN_PASSWORD) {
    if (await createFirstAdmin(platform, { username, email, password: config.ADMIN_PASSWORD }))
      say(`The first administrator is ${username}.`)
    return
  }
  const password = randomBytes(9).toString('base64url')
  if (process.stdout.isTTY) {
    if (await createFirstAdmin(platform, { username, email, password }))
      say(`The first administrator is ${username}, password ${password} (shown this once)`)
    return
  }
  const file = join(dataFolder(config), 'first-password')
  const unfinished = `${file}.${randomUUID()}`
  let tried = false
  const made = await createFirstAdmin(platform, {
    username,
    email,
    password() {
      tried = true
      // Written before it is valid, so that no crash leaves an administrator whose password nobody knows.
      writeFileSync(unfinished, `${password}\n`, { mode: 0o600, flush: true })
      return password
    },
  })
  if (made) renameSync(unfinished, file)
  else if (tried) rmSync(unfinished, { force: true })
  if (made)
    say(
      `The first administrator is ${username}; the password stands in ${file}. Remove the file when you have read it.`,
    )
}
