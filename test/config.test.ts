import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modules } from '../src/app.ts'
import { allSettings, readConfig, SettingsError } from '../src/platform/config.ts'
import { integer, settingsOf } from '../src/platform/settings.ts'

const baths = { name: 'baths', settings: { BATH_TEMPERATURE: integer('of the water', 80, 40, 110) } }

// Guarantee: a module's settings are read, checked and typed with the platform's, which knows nothing of them.
test('modules bring settings of their own', () => {
  const read = (environment: Record<string, string>) =>
    settingsOf(readConfig(environment, [...modules, baths]), baths.settings).BATH_TEMPERATURE
  assert.equal(read({}), 80)
  assert.equal(read({ BATH_TEMPERATURE: '95' }), 95)
  assert.throws(
    () => read({ BATH_TEMPERATURE: '300', PORT: 'x' }),
    (error) => {
      assert.ok(error instanceof SettingsError)
      assert.deepEqual(error.faults.length, 2)
      assert.match(error.message, /BATH_TEMPERATURE must be a whole number from 40 to 110/)
      return true
    },
  )
})

// Guarantee: MODULES names modules that there are; left empty it means all of them, and accounts always runs.
test('MODULES chooses among the modules that there are', () => {
  const chosen = (MODULES: string) => readConfig({ MODULES }, [...modules, baths]).MODULES
  assert.deepEqual(chosen('baths, shop'), ['accounts', 'shop', 'baths'])
  assert.deepEqual(chosen(''), [...modules.map((m) => m.name).filter((name) => name !== 'installation'), 'baths'])
  assert.throws(() => chosen('saunas'), /MODULES names saunas; there are accounts, .*baths/)
})

// Guarantee: two modules do not fight over a setting, and one that needs another says so.
test('settings stand once, and together', () => {
  const all = modules.flatMap((m) => Object.keys(m.settings ?? {}))
  assert.equal(new Set(all).size, all.length)
  assert.equal(Object.keys(allSettings([])).filter((name) => all.includes(name)).length, 0)
  assert.throws(() => readConfig({ OIDC_ISSUER: 'https://id.example' }, modules), /OIDC_ISSUER needs OIDC_CLIENT_ID/)
  assert.doesNotThrow(() => readConfig({ OIDC_ISSUER: 'https://id.example', OIDC_CLIENT_ID: 'dvor' }, modules))
})
