import { registerHooks } from 'node:module'

// openapi-typescript needs the JavaScript API of TypeScript 5, which the package of TypeScript 7 has not.
registerHooks({ resolve: (name, context, next) => next(name === 'typescript' ? 'typescript5' : name, context) })
