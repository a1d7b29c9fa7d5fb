import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import jsqr from 'jsqr'
import { sql } from 'kysely'
import { type Json, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { addApartment, addHouse } from '../../test/housing.ts'
import { pictureOf, readPdf } from '../../test/pdf.ts'

const readQr = jsqr as unknown as typeof jsqr.default

let app: TestApp
let admin: string
let anna: Person
let boris: Person
before(async () => {
  app = await startApp({ PUBLIC_URL: 'https://dvor.example.org' })
  admin = await logInAdmin(app)
  anna = await person(app)
  boris = await person(app)
})
after(() => app[Symbol.asyncDispose]())

const enter = (code: string, token: string) => app.post('/api/profile/join', { code }, { token })
async function newCode(flat: number): Promise<string> {
  const answer = await app.post(`/api/apartments/${flat}/join-codes`, {}, { token: admin })
  assert.equal(answer.status, 201, answer.text)
  return answer.body.code
}
async function printed(path: string) {
  const response = await fetch(app.url + path, { method: 'POST', headers: { authorization: `Bearer ${admin}` } })
  return { status: response.status, content: Buffer.from(await response.arrayBuffer()) }
}

// Guarantee: a code lets one person into its flat, however it is typed; another, a used, an old or an ended code is the
// same fault; the code stands in no table and no log.
test('a code makes its bearer a resident, once', async () => {
  const house = await addHouse(app, admin)
  const flat = await addApartment(app, admin, house.id)
  const code = await newCode(flat.id)
  assert.match(code, /^[2-9A-HJ-NP-Z]{5}-[2-9A-HJ-NP-Z]{5}$/)
  assert.equal((await app.get(`/api/apartments/${flat.id}`, { token: anna.token })).status, 404)
  const joined = await enter(` ${code.toLowerCase().replace('-', ' ')} `, anna.token)
  assert.deepEqual([joined.status, joined.body.id, joined.body.residents[0].id], [200, flat.id, anna.id])
  assert.equal((await enter(code, anna.token)).status, 200)
  const refusal = await enter(code, boris.token)
  assert.deepEqual([refusal.status, refusal.body.errors[0].path], [400, '/code'])
  const wrong = await enter('22222-22222', boris.token)
  assert.deepEqual([wrong.status, wrong.body.errors], [400, refusal.body.errors])

  const old = await newCode(flat.id)
  await sql`update housing.join_codes set expires_at = now() - interval '1 second' where used_at is null`.execute(
    app.platform.db,
  )
  assert.equal((await enter(old, boris.token)).status, 400)
  const lost = await newCode(flat.id)
  assert.equal((await app.delete(`/api/apartments/${flat.id}/join-codes`, { token: admin })).status, 204)
  assert.equal((await enter(lost, boris.token)).status, 400)

  // Who moved out does not come back by the same paper.
  await app.delete(`/api/apartments/${flat.id}/residents/${anna.id}`, { token: admin })
  assert.equal((await enter(code, anna.token)).status, 400)
  assert.equal((await app.get(`/api/apartments/${flat.id}`, { token: anna.token })).status, 404)

  const bare = code.replace('-', '')
  const { rows } = await app.platform.pool.query(`
    select (select jsonb_agg(to_jsonb(c)) from housing.join_codes c)::text || (select jsonb_agg(to_jsonb(a)) from platform.audit_log a)::text as kept`)
  for (const where of [rows[0].kept, app.logs.join('')])
    for (const text of [bare, code, bare.toLowerCase()]) assert.ok(!where.includes(text))
})

// Guarantee: of many who bring the same code at once one comes in.
test('a code serves once, whoever hurries', async () => {
  const house = await addHouse(app, admin)
  const flat = await addApartment(app, admin, house.id)
  const code = await newCode(flat.id)
  const people = await Promise.all(Array.from({ length: 6 }, () => person(app)))
  const answers = await Promise.all(people.map((one) => enter(code, one.token)))
  assert.deepEqual(answers.map((a) => a.status).sort(), [200, 400, 400, 400, 400, 400])
  const residents = (await app.get(`/api/apartments/${flat.id}`, { token: admin })).body.residents
  assert.equal(residents.length, 1)
})

// Guarantee: a code can be tried ten times an hour; who comes in is not counted.
test('codes cannot be guessed', async () => {
  await using limited = await startApp({ RATE_LIMITS: 'on' })
  const token = await logInAdmin(limited)
  const someone = await person(limited)
  const house = await addHouse(limited, token)
  const flat = await addApartment(limited, token, house.id)
  const { code } = (await limited.post(`/api/apartments/${flat.id}/join-codes`, {}, { token })).body
  const attempt = async (text: string) =>
    (await limited.post('/api/profile/join', { code: text }, { token: someone.token })).status
  const statuses: number[] = []
  for (let i = 0; i < 9; i++) statuses.push(await attempt(`WRANG-${i}2345`))
  assert.deepEqual(new Set(statuses), new Set([400]))
  assert.equal(await attempt(code), 200)
  assert.deepEqual([await attempt('WRANG-22222'), await attempt(code)], [400, 429])
})

// Guarantee: the sheet has a card for each living flat in the order of numbers, with its open code, made where there was
// none; printed again it bears the same codes, and its QR code leads to the page that takes it.
test('the sheet of a house', async () => {
  const house = await addHouse(app, admin, { address: 'Тверь, Лесная, 7' })
  const flats: Json[] = []
  for (const number of ['10', '2', '1']) flats.push(await addApartment(app, admin, house.id, { number }))
  await addApartment(app, admin, house.id, { number: '3', ended_on: '2026-01-01' })
  const code = await newCode(flats[1].id)
  const path = `/api/houses/${house.id}/join-codes/sheet`
  const first = await printed(path)
  assert.equal(first.status, 200)
  const { pages, text } = readPdf(first.content)
  assert.equal(pages, 1)
  assert.deepEqual(text.match(/Квартира \d+/g), ['Квартира 1', 'Квартира 2', 'Квартира 10'])
  const codes = text.match(/[2-9A-HJ-NP-Z]{5}-[2-9A-HJ-NP-Z]{5}/g)!
  assert.deepEqual([codes.length, codes[1]], [3, code])
  assert.deepEqual(readPdf((await printed(path)).content).text.match(/[2-9A-HJ-NP-Z]{5}-[2-9A-HJ-NP-Z]{5}/g), codes)
  const one = readPdf((await printed(`/api/apartments/${flats[0].id}/join-codes/sheet`)).content)
  const picture = pictureOf(one.rects.filter(([, , width]) => width < 100))
  assert.equal(readQr(picture.data, picture.width, picture.height)?.data, `https://dvor.example.org/join#${codes[2]}`)
  assert.equal((await enter(codes[2]!, boris.token)).body.id, flats[0].id)
  assert.equal((await printed(`${path}?page=2`)).status, 404)
  assert.equal((await app.post(path, {}, { token: anna.token })).status, 403)
  await app.audit()
})
