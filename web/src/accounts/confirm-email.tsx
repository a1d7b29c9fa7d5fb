import { Alert, Button } from '@mantine/core'
import { IconMailCheck } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link, useLocation } from 'react-router'
import { answer, api } from '../api.ts'
import { tell } from '../ui/problems.ts'
import { Entrance } from './entrance.tsx'
import { accountQueries } from './queries.ts'

/** Where the letter that confirms an address leads. A press, so that no program which opens links confirms it. */
export function ConfirmEmail() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const token = useLocation().hash.slice(1)
  const confirm = useMutation({
    mutationFn: () => answer(api.POST('/api/auth/email/confirm', { body: { token } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: accountQueries.profile.queryKey }),
    onError: (error) => tell(error),
  })
  return (
    <Entrance title={t('accounts.confirm.title')} lead={t('accounts.confirm.lead')}>
      {confirm.isSuccess ? (
        <>
          <Alert icon={<IconMailCheck />} role="status">
            {t('accounts.confirm.done')}
          </Alert>
          <Button component={Link} to="/">
            {t('shell.not_found.action')}
          </Button>
        </>
      ) : (
        <Button loading={confirm.isPending} onClick={() => confirm.mutate()}>
          {t('accounts.confirm.action')}
        </Button>
      )}
    </Entrance>
  )
}
