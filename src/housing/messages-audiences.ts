const ru = { house: 'Дом', name: 'имя и отчество', apartment: 'квартира' }
const en = { house: 'House', name: 'name', apartment: 'flat' }

/** Words of whom mailings can be sent to. */
export const audienceWords = {
  ru: {
    audiences: {
      residents: { ...ru, label: 'Жители' },
      debtors: { ...ru, label: 'Должники', over: 'Долг больше', sum: 'сумма долга' },
      missing_readings: { ...ru, label: 'Не передали показания', month: 'За месяц' },
    },
  },
  en: {
    audiences: {
      residents: { ...en, label: 'Residents' },
      debtors: { ...en, label: 'Debtors', over: 'Owe more than', sum: 'sum owed' },
      missing_readings: { ...en, label: 'Readings are missing', month: 'Of month' },
    },
  },
}
