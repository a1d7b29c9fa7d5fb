import type { Messages } from '../platform/i18n.ts'

export const messages: Messages = {
  ru: {
    housing: {
      address_taken: 'Дом с таким адресом уже есть.',
      number_taken: 'Квартира с таким номером в этом доме уже есть.',
      account_taken: 'Такой лицевой счёт уже есть.',
      serial_taken: 'Счётчик с таким номером уже есть.',
      reading_there: 'Показание за этот месяц уже есть: его можно исправить.',
      tariff_there: 'Такой тариф с этого месяца уже есть.',
      has_history: 'Здесь уже есть данные, поэтому удалить нельзя: укажите дату окончания.',
      unknown_timezone: 'Такого часового пояса нет. Например: Europe/Moscow.',
      norm_missing: 'Для начисления по нормативу задайте нормативы холодной и горячей воды.',
      window_order: 'Последний день приёма показаний не раньше первого.',
    },
  },
  en: {
    housing: {
      address_taken: 'There is a house with this address already.',
      number_taken: 'This house has a flat with this number already.',
      account_taken: 'This personal account exists already.',
      serial_taken: 'There is a meter with this serial number already.',
      reading_there: 'There is a reading for this month already: correct it instead.',
      tariff_there: 'There is such a tariff from this month on already.',
      has_history: 'There is data that hangs on it, so it cannot be deleted: end it by a date.',
      unknown_timezone: 'No such time zone. One is Europe/Moscow.',
      norm_missing: 'To charge by norm, set the norms of cold and hot water.',
      window_order: 'The last day of the window is not before the first.',
    },
  },
}
