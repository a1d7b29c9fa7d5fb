import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const onPath = (program: string) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** Why a test that needs these programs of the machine is left out here; false when all are on PATH. */
export function without(...programs: string[]): string | false {
  const missing = programs.filter((program) => !onPath(program))
  return missing.length > 0 && `${missing.join(' and ')} not on PATH`
}
