import assert from 'node:assert/strict'
import { eventually, type Json, logInAdmin, type Person, person, type TestApp } from './harness.ts'

/** Somebody whose address is confirmed, by the link of the letter. */
export async function confirmedPerson(app: TestApp): Promise<Person> {
  const who = await person(app)
  const admin = await logInAdmin(app)
  const token = await eventually('the letter is there', async () => {
    const { body } = await app.get('/api/outbox?kind=email&page_size=100', { token: admin })
    const texts: string[] = body.results.filter((l: Json) => l.to === who.email).map((l: Json) => l.text)
    return texts.map((text) => /confirm-email#(\S+)/.exec(text)?.[1]).find((link) => link && !link.includes('•'))
  })
  const answer = await app.post('/api/auth/email/confirm', { token })
  assert.equal(answer.status, 204, answer.text)
  return who
}
