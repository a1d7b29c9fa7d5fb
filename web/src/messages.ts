import * as accounts from './accounts/messages.ts'
import * as collects from './collects/messages.ts'
import * as housing from './housing/messages.ts'
import * as platform from './platform/messages.ts'
import * as shell from './shell.messages.ts'
import * as shop from './shop/messages.ts'

/** Every word of the app, by language and module. */
export const words = {
  ru: {
    shell: shell.ru,
    platform: platform.ru,
    accounts: accounts.ru,
    collects: collects.ru,
    housing: housing.ru,
    shop: shop.ru,
  },
  en: {
    shell: shell.en,
    platform: platform.en,
    accounts: accounts.en,
    collects: collects.en,
    housing: housing.en,
    shop: shop.en,
  },
}

export type Language = keyof typeof words
export type Words = (typeof words)['ru']
