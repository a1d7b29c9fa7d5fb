import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSerializers } from './serialization.ts'

const shape = (property: string, type: object) => ({ type: 'object', properties: { [property]: type } })

// Guarantee: routes that answer with one shape share what writes it, which knows the shapes that it names, through others
// too; a shape of the same name that says something else in another part of the server is never taken for it.
test('a shape is written by one serialiser', () => {
  const build = buildSerializers()
  const inner = { $id: 'Inner', ...shape('n', { type: 'integer' }) }
  const outer = { $id: 'Outer', ...shape('inner', { $ref: 'Inner#' }) }
  const compile = build({ Outer: outer, Inner: inner, Unused: { $id: 'Unused', ...shape('x', { type: 'string' }) } })
  const list = () => ({ type: 'array', items: { $ref: 'Outer#' } })
  const one = compile({ schema: list() })
  assert.equal(one([{ inner: { n: 1, secret: 2 }, secret: 3 }]), '[{"inner":{"n":1}}]')
  assert.equal(compile({ schema: list() }), one)
  const elsewhere = build({ Outer: outer, Inner: { $id: 'Inner', ...shape('m', { type: 'integer' }) } })
  assert.equal(elsewhere({ schema: list() })([{ inner: { n: 1, m: 2 } }]), '[{"inner":{"m":2}}]')
})
