import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** TypeScript types of the API for the web app (`web/src/api.gen.ts`), made from the OpenAPI document in this file. */
export async function webTypes(openapiJsonFile: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--import',
      new URL('typescript5.js', import.meta.url).href,
      'node_modules/openapi-typescript/bin/cli.js',
      openapiJsonFile,
    ],
    { maxBuffer: 64 << 20 },
  )
  return stdout
}
