import { en as accounts } from './accounts/messages.en.ts'
import { en as collects } from './collects/messages.en.ts'
import { en as housing } from './housing/messages.en.ts'
import { en as home } from './platform/messages-home.en.ts'
import { en as shell } from './shell.messages.en.ts'
import { en as shop } from './shop/messages.en.ts'

/** Every word of the app in one language, by module. A browser loads the one that is read. */
export const en = { shell, home, accounts, collects, housing, shop }
