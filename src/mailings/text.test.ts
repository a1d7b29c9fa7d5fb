import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppError } from '../platform/errors.ts'
import { type Parts, partsOf } from './parts.ts'
import { checkText, placeholdersOf, renderText } from './text.ts'

// Guarantee: parts are counted as gateways do: 160 and 153 in GSM-7, its extension by two, 70 and 67 units otherwise, and no
// character is cut by the end of a part.
test('parts of a text', () => {
  const table: [text: string, encoding: Parts['encoding'], units: number, parts: number][] = [
    ['', 'gsm7', 0, 1],
    ['a'.repeat(160), 'gsm7', 160, 1],
    ['a'.repeat(161), 'gsm7', 161, 2],
    ['a'.repeat(306), 'gsm7', 306, 2],
    ['a'.repeat(307), 'gsm7', 307, 3],
    ['@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà', 'gsm7', 44, 1],
    ['^{}\\[~]|€\f', 'gsm7', 20, 1],
    ['€'.repeat(80), 'gsm7', 160, 1],
    [`${'€'.repeat(80)}a`, 'gsm7', 161, 2],
    // 152 and the first half of a pair: the pair begins the next part.
    [`${'a'.repeat(152)}€${'a'.repeat(152)}`, 'gsm7', 306, 3],
    [`${'a'.repeat(151)}€${'a'.repeat(153)}`, 'gsm7', 306, 2],
    ['ç', 'ucs2', 1, 1],
    ['`', 'ucs2', 1, 1],
    ['я'.repeat(70), 'ucs2', 70, 1],
    ['я'.repeat(71), 'ucs2', 71, 2],
    ['я'.repeat(134), 'ucs2', 134, 2],
    ['я'.repeat(135), 'ucs2', 135, 3],
    ['😀'.repeat(35), 'ucs2', 70, 1],
    ['😀'.repeat(36), 'ucs2', 72, 2],
    ['😀'.repeat(66), 'ucs2', 132, 2],
    ['😀'.repeat(67), 'ucs2', 134, 3],
    [`${'a'.repeat(160)}я`, 'ucs2', 161, 3],
  ]
  for (const [text, encoding, units, parts] of table)
    assert.deepEqual(partsOf(text), { encoding, units, parts }, JSON.stringify(text.slice(0, 40)))
})

// Guarantee: each placeholder that nobody knows or closed is told at its place, with those that there are.
test('placeholders of a text', () => {
  const refused = (text: string, known = ['phone', 'tag']) => {
    try {
      checkText(text, known)
      return []
    } catch (error) {
      return (error as AppError).faults!.map(({ path, code, params }) => [
        path,
        code,
        params?.position,
        String(params?.name).slice(1, -1),
      ])
    }
  }
  assert.deepEqual(refused('Привет, {phone} и {tag}}'), [])
  assert.deepEqual(refused('} без начала'), [])
  const unknown = 'mailings.unknown_placeholder'
  const unclosed = 'mailings.unclosed_placeholder'
  const table: [text: string, ...faults: [code: string, position: number, name: string][]][] = [
    ['{name}', [unknown, 1, 'name']],
    ['😀 {sum} {phone} {x}', [unknown, 3, 'sum'], [unknown, 17, 'x']],
    ['{}', [unknown, 1, '']],
    ['{ phone}', [unknown, 1, ' phone']],
    ['{Phone}', [unknown, 1, 'Phone']],
    ['{{phone}}', [unclosed, 1, '']],
    ['скидка {phone', [unclosed, 8, 'phone']],
    ['{phone {tag}', [unclosed, 1, 'phone ']],
    ['{toString}', [unknown, 1, 'toString']],
  ]
  for (const [text, ...faults] of table)
    assert.deepEqual(
      refused(text),
      faults.map((f) => ['/text', ...f]),
      text,
    )
  assert.deepEqual(refused('{name}: {sum}', ['phone', 'tag', 'name', 'sum']), [])
  assert.throws(
    () => checkText('{x}', ['phone', 'tag', 'name']),
    (error: AppError) => error.faults![0]!.params!.known === '{phone}, {tag}, {name}',
  )
  assert.equal(refused('{x}'.repeat(50)).length, 20)
  assert.deepEqual(placeholdersOf('{phone} {tag} {phone}, и всё'), ['phone', 'tag'])
})

// Guarantee: a person gets their own values, as they are: what looks like a placeholder in them is none.
test('a rendered text', () => {
  const values = { phone: '79991234567', tag: '{phone}', name: null }
  assert.equal(renderText('{phone}: {tag}!{name}', values), '79991234567: {phone}!')
  assert.equal(renderText('без', values), 'без')
  assert.equal(renderText('$& {tag} $1', { tag: '$&' }), '$& $& $1')
})
