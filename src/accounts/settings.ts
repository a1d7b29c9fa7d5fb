import type { Platform } from '../platform/module.ts'
import { choice, fault, http, integer, place, secret, settingsOf, text } from '../platform/settings.ts'

export const settings = {
  SMS_URL: place('an HTTP sender with the contract of the gateway, or the log', 'log', ['log'], http),
  SMS_CODE_DIGITS: integer('digits of a login code', 6, 4, 8),
  OIDC_ISSUER: {
    ...place('outside identity provider', '', [], http),
    read: (t: string, environment?: Record<string, string | undefined>) =>
      t && !environment?.OIDC_CLIENT_ID ? fault('needs OIDC_CLIENT_ID beside it') : place('', '', [], http).read(t),
  },
  OIDC_CLIENT_ID: text('our id there'),
  OIDC_CLIENT_SECRET: secret('our secret there'),
  OIDC_NAME: text('what people call it, on the button; its host when empty'),
  OIDC_ADMINS: text('verified e-mails that become administrators, by comma'),
  OIDC_ALLOW: choice('who else may come that way', 'administrators', 'administrators', 'everyone'),
}

/** The settings of accounts. */
export const accountsSettings = ({ config }: Pick<Platform, 'config'>) => settingsOf(config, settings)
