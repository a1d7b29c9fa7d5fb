type Schema = {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  examples?: unknown[]
  minimum?: number
}
type Parameter = {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  description?: string
  schema: Schema
}
type Operation = {
  summary?: string
  description?: string
  tags?: string[]
  security?: object[]
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> }
}
/** What of an OpenAPI document a collection is made from. */
export type ApiDocument = {
  info: { title: string; description?: string; version: string }
  paths: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, Schema> }
}

/** An OpenAPI document as a Postman collection (v2.1): a folder a tag, a request an operation, logging in kept for the rest. */
export function postmanCollection(document: ApiDocument): object {
  const folders = new Map<string, object[]>()
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? 'other'
      folders.set(tag, [...(folders.get(tag) ?? []), requestOf(document, path, method, operation)])
    }
  }
  return {
    info: {
      name: document.info.title,
      description: document.info.description,
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{access}}', type: 'string' }] },
    variable: [
      { key: 'base', value: 'http://127.0.0.1:8000' },
      { key: 'access', value: '' },
      { key: 'refresh', value: '' },
    ],
    item: [...folders].map(([name, item]) => ({ name, item })),
  }
}

function requestOf(document: ApiDocument, path: string, method: string, operation: Operation): object {
  const parameters = operation.parameters ?? []
  const named = (place: string) => parameters.filter((p) => p.in === place)
  const entry = (p: Parameter) => ({
    key: p.name,
    value: String(sample(document, p.schema) ?? ''),
    description: p.description,
  })
  const optional = (p: Parameter) => ({ ...entry(p), disabled: !p.required })
  const template = path.replace(/\{(\w+)\}/g, ':$1')
  const json = operation.requestBody?.content['application/json']
  const answersSession = /\/(login|jwt\/create|refresh|api\/verify)$/.test(path)
  return {
    name: operation.summary ?? `${method.toUpperCase()} ${path}`,
    request: {
      method: method.toUpperCase(),
      description: operation.description,
      ...(operation.security?.length ? {} : { auth: { type: 'noauth' } }),
      header: [...(json ? [{ key: 'Content-Type', value: 'application/json' }] : []), ...named('header').map(optional)],
      url: {
        raw: `{{base}}${template}`,
        host: ['{{base}}'],
        path: template.split('/').slice(1),
        query: named('query').map(optional),
        variable: named('path').map(entry),
      },
      ...(json
        ? {
            body: {
              mode: 'raw',
              raw: JSON.stringify(json.example ?? sample(document, json.schema), null, 2).replace(
                '"refresh": ""',
                '"refresh": "{{refresh}}"',
              ),
              options: { raw: { language: 'json' } },
            },
          }
        : {}),
    },
    ...(answersSession
      ? {
          event: [
            {
              listen: 'test',
              script: {
                type: 'text/javascript',
                exec: [
                  "const { access } = pm.response.json(); if (access) pm.collectionVariables.set('access', access)",
                ],
              },
            },
          ],
        }
      : {}),
    response: [],
  }
}

/** A value of the shape: its example, or else the least that it allows. Of objects what is required, or all if nothing is. */
function sample(document: ApiDocument, schema: Schema): unknown {
  if (schema.$ref) return sample(document, document.components?.schemas?.[schema.$ref.split('/').at(-1)!] ?? {})
  if (schema.examples?.length) return schema.examples[0]
  if (schema.enum) return schema.enum[0]
  if (schema.anyOf) return sample(document, schema.anyOf[0]!)
  const type = [schema.type].flat()[0]
  if (type === 'object') {
    const names = schema.required?.length ? schema.required : Object.keys(schema.properties ?? {})
    return Object.fromEntries(names.map((name) => [name, sample(document, schema.properties?.[name] ?? {})]))
  }
  if (type === 'array') return schema.items ? [sample(document, schema.items)] : []
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1
  if (type === 'boolean') return false
  return type === 'string' ? '' : null
}
