import { Alert, Button, Divider } from '@mantine/core'
import { IconAlertCircle, IconExternalLink } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useSearchParams } from 'react-router'
import { accountQueries } from './queries.ts'

const refusals = ['oidc_failed', 'oidc_away', 'oidc_closed', 'oidc_not_confirmed', 'blocked'] as const

/** Why another service led back here without a login. */
export function Refused() {
  const { t } = useTranslation()
  const [params] = useSearchParams()
  const reason = refusals.find((code) => code === params.get('refused'))
  if (!reason) return null
  return (
    <Alert color="red" icon={<IconAlertCircle />} role="alert">
      {t(`accounts.refused.${reason}`)}
    </Alert>
  )
}

/** Signing in by an outside service, where the installation knows one. `again`: it asks for the password anew. */
export function OtherWays({ next, again = false }: { next: string; again?: boolean }) {
  const { t } = useTranslation()
  const { data: ways } = useQuery(accountQueries.ways)
  if (!ways?.oidc) return null
  const query = new URLSearchParams({ next, ...(again ? { again: 'true' } : {}) })
  return (
    <>
      <Divider label={t('accounts.sign_in.or')} />
      <Button
        component="a"
        href={`/api/auth/oidc/login?${query}`}
        variant="default"
        leftSection={<IconExternalLink size={20} />}
      >
        {t('accounts.sign_in.by_service', { name: ways.oidc.name })}
      </Button>
    </>
  )
}
