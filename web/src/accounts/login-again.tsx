import { Modal, SegmentedControl, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { beginSession } from '../session.ts'
import { OtherWays } from './other-ways.tsx'
import { PasswordForm } from './password-form.tsx'
import { PhoneForm } from './phone-form.tsx'
import type { Profile } from './queries.ts'

type Props = { profile: Profile; onClose: (done: boolean) => void }

/** Asks a person who signed in long ago to do it again, before what others could take the account over by. */
export function LoginAgain({ profile: { username, email, phone }, onClose }: Props) {
  const { t } = useTranslation()
  const [way, setWay] = useState(phone && !email ? 'phone' : 'password')
  const enter = (tokens: { access: string }) => {
    beginSession(tokens)
    onClose(true)
  }
  return (
    <Modal
      opened
      onClose={() => onClose(false)}
      title={t('accounts.login_again.title')}
      closeButtonProps={{ 'aria-label': t('shell.close') }}
    >
      <Stack>
        <Text>{t('accounts.login_again.lead')}</Text>
        {phone && (
          <SegmentedControl
            fullWidth
            aria-label={t('accounts.sign_in.how')}
            value={way}
            onChange={setWay}
            data={[
              { value: 'password', label: t('accounts.sign_in.by_password') },
              { value: 'phone', label: t('accounts.sign_in.by_phone') },
            ]}
          />
        )}
        {way === 'password' || !phone ? (
          <PasswordForm username={username} onEnter={enter} />
        ) : (
          <PhoneForm known={`+${phone}`} onEnter={enter} />
        )}
        <OtherWays next="/profile" again />
      </Stack>
    </Modal>
  )
}
