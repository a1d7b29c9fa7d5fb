import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTranslate, locales } from '../platform/i18n.ts'
import { messages } from './messages.ts'
import { pauseReasonOf, reasonCodes, reasonOf, wordPause, wordReason } from './reasons.ts'

const translate = createTranslate([messages])

// Guarantee: every reason has words in both languages, with what the gateway said in them; what a gateway says can always be
// stored; an unknown word is shown as it is.
test('reasons in words', () => {
  for (const locale of locales)
    for (const code of reasonCodes) assert.ok(translate.has(locale, `mailings.reasons.${code}`), `${locale} ${code}`)
  assert.equal(wordReason(translate, 'ru', reasonOf('status', 503)), 'Шлюз ответил ошибкой 503')
  assert.equal(
    wordReason(translate, 'en', reasonOf('code', '7 no\u0000 money\ud800')),
    'The gateway refused with the code 7 no money\ufffd',
  )
  assert.ok([...reasonOf('code', '😀'.repeat(1000))].length <= 500)
  assert.equal(wordReason(translate, 'ru', null), null)
  assert.equal(wordReason(translate, 'ru', 'something'), 'something')
  assert.equal(wordPause(translate, 'ru', null), null)
  assert.equal(
    wordPause(translate, 'ru', pauseReasonOf(134, reasonOf('status', 400))),
    'Ошибок среди последних 200 ответов шлюза: 134. Последняя: Шлюз ответил ошибкой 400',
  )
})
