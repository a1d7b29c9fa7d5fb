import type { Messages } from '../platform/i18n.ts'

/** Words of the daily letter. */
export const dailyWords: Messages = {
  ru: {
    jobs: { statistics: 'Статистика рассылок за день' },
    daily: {
      subject: 'Рассылки за {{day}}',
      moved: 'За {{day}}: отправлено {{sent}}, ошибок {{error}}.',
      mailings: 'Рассылки, которые шли в этот день, — как они выглядят сейчас:',
      none: 'В этот день рассылок не было.',
      mailing: 'Рассылка',
      total: 'Всего',
      sent: 'Отправлено',
      error: 'Ошибка',
      expired: 'Не успели',
      processing: 'В работе',
      open: 'Открыть рассылки',
    },
  },
  en: {
    jobs: { statistics: 'Daily statistics of mailings' },
    daily: {
      subject: 'Mailings on {{day}}',
      moved: 'On {{day}}: {{sent}} sent, {{error}} failed.',
      mailings: 'The mailings of that day, as they stand now:',
      none: 'There were no mailings on that day.',
      mailing: 'Mailing',
      total: 'Total',
      sent: 'Sent',
      error: 'Error',
      expired: 'Too late',
      processing: 'Under way',
      open: 'Open mailings',
    },
  },
}
