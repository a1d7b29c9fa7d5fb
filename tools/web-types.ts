import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'

type Operation = { responses: Record<string, unknown> }

/** All refusals have one shape; said once an operation, the types are a third as long. */
function refusedOnce(file: string): void {
  const document = JSON.parse(readFileSync(file, 'utf8')) as { paths: Record<string, Record<string, Operation>> }
  for (const operation of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
    const refused = Object.keys(operation.responses).filter((status) => status >= '400')
    const [first] = refused
    if (first) operation.responses.default = operation.responses[first]
    for (const status of refused) delete operation.responses[status]
  }
  writeFileSync(file, JSON.stringify(document))
}

/** TypeScript types of the API for the web app (`web/src/api.gen.ts`), made from the OpenAPI document in this file. */
export async function webTypes(openapiJsonFile: string): Promise<string> {
  refusedOnce(openapiJsonFile)
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
