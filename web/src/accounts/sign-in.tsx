import { Anchor, SegmentedControl, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { Entrance, useEnter, useNext, useSearch } from './entrance.tsx'
import { OtherWays, Refused } from './other-ways.tsx'
import { PasswordForm } from './password-form.tsx'
import { PhoneForm, readPhoneStep } from './phone-form.tsx'

export function SignIn() {
  const { t } = useTranslation()
  const [way, setWay] = useState(() => (readPhoneStep() ? 'phone' : 'password'))
  const search = useSearch()
  const enter = useEnter()
  const next = useNext()
  return (
    <Entrance title={t('accounts.sign_in.title')} lead={t('accounts.sign_in.lead')}>
      <Refused />
      <SegmentedControl
        fullWidth
        size="md"
        aria-label={t('accounts.sign_in.how')}
        value={way}
        onChange={setWay}
        data={[
          { value: 'password', label: t('accounts.sign_in.by_password') },
          { value: 'phone', label: t('accounts.sign_in.by_phone') },
        ]}
      />
      {way === 'password' ? <PasswordForm onEnter={enter} /> : <PhoneForm onEnter={enter} />}
      <OtherWays next={next} />
      <Text c="dimmed">
        {t('accounts.sign_in.none')}{' '}
        <Anchor component={Link} to={`/register${search}`} underline="always">
          {t('shell.register')}
        </Anchor>
      </Text>
    </Entrance>
  )
}
