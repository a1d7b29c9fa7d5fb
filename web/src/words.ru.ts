import { ru as accounts } from './accounts/messages.ru.ts'
import { ru as collects } from './collects/messages.ru.ts'
import { ru as housing } from './housing/messages.ru.ts'
import { ru as home } from './platform/messages-home.ru.ts'
import { ru as shell } from './shell.messages.ru.ts'
import { ru as shop } from './shop/messages.ru.ts'

/** Every word of the app in one language, by module. A browser loads the one that is read. */
export const ru = { shell, home, accounts, collects, housing, shop }
