import type { Messages } from '../platform/i18n.ts'

export const messages: Messages = {
  ru: {
    accounts: {
      wrong_password: 'Неверное имя или пароль.',
      token_refused: 'Вход устарел или отозван. Войдите снова.',
      refresh_refused: 'Этот токен обновления больше не действует. Войдите снова.',
      username_taken: 'Это имя занято.',
      email_taken: 'Этот адрес уже занят.',
      phone_taken: 'Этот номер уже занят.',
      username_not_own_email: 'Имя со знаком @ может быть только собственным адресом.',
      password_common: 'Этот пароль слишком известен.',
      password_is_username: 'Пароль не должен совпадать с именем.',
      last_admin: 'Это последний администратор: сначала назначьте другого.',
    },
  },
  en: {
    accounts: {
      wrong_password: 'Wrong name or password.',
      token_refused: 'This login has expired or was revoked. Log in again.',
      refresh_refused: 'This refresh token no longer serves. Log in again.',
      username_taken: 'This name is taken.',
      email_taken: 'This address is taken.',
      phone_taken: 'This number is taken.',
      username_not_own_email: 'A name with @ can only be your own address.',
      password_common: 'This password is too well known.',
      password_is_username: 'The password must differ from the name.',
      last_admin: 'This is the last administrator: appoint another first.',
    },
  },
}
