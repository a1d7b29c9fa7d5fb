/** Words of what goes wrong between us and the gateway. */
export const gatewayWords = {
  ru: {
    reasons: {
      window: 'Местное время отправки не наступает до конца рассылки',
      ended: 'Рассылка закончилась раньше первой попытки',
      cut_off: 'Рассылка закончилась во время попытки',
      cancelled: 'Рассылка отменена',
      stopped: 'Номер в стоп-листе',
      removed: 'Клиент удалён',
      timeout: 'Шлюз не ответил вовремя',
      unreachable: 'Шлюз недоступен',
      broken: 'Шлюз оборвал соединение',
      too_large: 'Ответ шлюза слишком длинный',
      status: 'Шлюз ответил ошибкой {{detail}}',
      code: 'Шлюз отказал с кодом {{detail}}',
      garbage: 'Ответ шлюза не похож на ответ шлюза',
    },
    paused_by_errors: 'Ошибок среди последних 200 ответов шлюза: {{errors}}. Последняя: {{last}}',
  },
  en: {
    reasons: {
      window: 'The local hours do not begin before the mailing ends',
      ended: 'The mailing ended before the first try',
      cut_off: 'The mailing ended during a try',
      cancelled: 'The mailing was cancelled',
      stopped: 'The number is on the stop list',
      removed: 'The client was removed',
      timeout: 'The gateway did not answer in time',
      unreachable: 'The gateway cannot be reached',
      broken: 'The gateway broke the connection off',
      too_large: 'The answer of the gateway is too long',
      status: 'The gateway answered with the error {{detail}}',
      code: 'The gateway refused with the code {{detail}}',
      garbage: 'The answer of the gateway makes no sense',
    },
    paused_by_errors: 'Errors among the last 200 answers of the gateway: {{errors}}. The last: {{last}}',
  },
}
