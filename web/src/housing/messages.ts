export { en } from './messages.en.ts'
export { ru } from './messages.ru.ts'
