import { accounts } from './accounts/index.ts'
import { collects } from './collects/index.ts'
import { housing } from './housing/index.ts'
import { installation } from './installation/index.ts'
import { mailings } from './mailings/index.ts'
import type { Config } from './platform/config.ts'
import type { Module } from './platform/module.ts'
import { shop } from './shop/index.ts'

/** Every module that there is; the only place that knows them all. */
export const modules: Module[] = [installation, accounts, collects, mailings, housing, shop]

/** The modules that this installation runs. Queues and migrations are made for all. */
export const enabledModules = (config: Config): Module[] =>
  modules.filter((m) => m === installation || config.MODULES.includes(m.name))
