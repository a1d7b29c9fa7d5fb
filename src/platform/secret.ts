import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Config, dataFolder, SettingsError } from './config.ts'
import { type Db, transaction } from './database.ts'
import type { Logger } from './log.ts'

const leastBytes = 32
const fingerprintOf = (secret: string) =>
  createHash('sha256').update(`fingerprint ${secret}`).digest('hex').slice(0, 16)
const toChange =
  'To change it on purpose, which logs everybody out: update platform.installation set secret_fingerprint = null.'

/**
 * The secret of this installation: JWT_SECRET, or else the one in DATA_DIR, made with the first start. Another one than the
 * database was started with would make every token and code worthless, so it is refused, and so is one cut short.
 */
export async function openSecret(db: Db, config: Config, log: Logger): Promise<string> {
  return transaction(db, async (tx) => {
    // Processes that start together decide one after the other.
    const { secret_fingerprint: known } = await tx
      .selectFrom('platform.installation')
      .select('secret_fingerprint')
      .forUpdate()
      .executeTakeFirstOrThrow()
    const { secret, made } = config.JWT_SECRET ? { secret: config.JWT_SECRET, made: false } : ownSecret(config, known)
    const fingerprint = fingerprintOf(secret)
    if (known === fingerprint) return secret
    if (known !== null && !made)
      throw new SettingsError([
        'JWT_SECRET differs from the one that this database was started with. Set the same JWT_SECRET for every ' +
          `process (or the same DATA_DIR). ${toChange}`,
      ])
    if (known !== null)
      log.warn('The secret was cut short by a crash; a new one is made, and everybody must log in again')
    await tx.updateTable('platform.installation').set({ secret_fingerprint: fingerprint }).execute()
    return secret
  })
}

/**
 * Reads the secret of DATA_DIR. One that is missing or cut short is made anew only where nothing is lost by it: for a
 * database that knows none, or only the one cut short.
 */
function ownSecret(config: Config, known: string | null): { secret: string; made: boolean } {
  const file = join(dataFolder(config, 'secrets'), 'jwt')
  const kept = read(file)
  if (kept !== undefined && Buffer.byteLength(kept) >= leastBytes) return { secret: kept, made: false }
  if (known !== null && (kept === undefined || known !== fingerprintOf(kept)))
    throw new SettingsError([
      `JWT_SECRET is not set, and ${file} ${kept === undefined ? 'is not there' : `was cut short (it has ${Buffer.byteLength(kept)} bytes)`}. ` +
        `Put back the file, or the JWT_SECRET, that this database was started with. ${toChange}`,
    ])
  const secret = randomBytes(48).toString('base64url')
  writeWhole(file, secret)
  return { secret, made: true }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}

/** After a crash at any instant the file is there whole, or as it was before. */
function writeWhole(file: string, text: string): void {
  const unfinished = `${file}.${randomUUID()}`
  const descriptor = openSync(unfinished, 'wx', 0o600)
  try {
    writeFileSync(descriptor, text)
    fsyncSync(descriptor)
    renameSync(unfinished, file)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
  if (process.platform === 'win32') return
  const folder = openSync(dirname(file), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
