import { hash, verify } from '@node-rs/argon2'
import { fieldFault } from '../platform/errors.ts'
import { commonPasswords } from './common-passwords.ts'

// OWASP's second choice for argon2id: 19 MiB, two passes.
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** The argon2id hash of a password; works off the event loop. */
export const hashPassword = (password: string): Promise<string> => hash(password, cost)

const nobody = hash('the password of nobody', cost)

/** Whether the password is the one; takes the same time for a user who is not there or has no password. */
export async function checkPassword(passwordHash: string | null | undefined, password: string): Promise<boolean> {
  const same = await verify(passwordHash ?? (await nobody), password).catch(() => false)
  return same && Boolean(passwordHash)
}

/** Refuses a password that others would guess first; its length is the schema's. */
export function checkStrength(path: string, password: string, username: string | null): void {
  const plain = password.toLowerCase()
  if (commonPasswords.has(plain)) throw fieldFault(path, 'accounts.password_common')
  if (username && plain === username.toLowerCase()) throw fieldFault(path, 'accounts.password_is_username')
}
