import type { Messages } from '../platform/i18n.ts'

/** Words of clients, their import and the stop list. */
export const clientWords: Messages = {
  ru: {
    phone: 'Нужен российский номер: 11 цифр, например +7 999 123-45-67.',
    import_operator_code: 'Код оператора — три цифры.',
    import_tag: 'Тег длиннее 64 знаков.',
    import_reason: 'Причина длиннее 300 знаков.',
    phone_taken: 'Клиент с таким номером уже есть.',
    unknown_timezone: 'Такого часового пояса нет. Например: Europe/Moscow.',
  },
  en: {
    phone: 'A Russian number of 11 digits is needed, such as +7 999 123-45-67.',
    import_operator_code: 'The operator code has three digits.',
    import_tag: 'The tag is longer than 64 characters.',
    import_reason: 'The reason is longer than 300 characters.',
    phone_taken: 'There is a client with this phone already.',
    unknown_timezone: 'No such time zone. One is Europe/Moscow.',
  },
}
