import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api, Problem } from '../api.ts'
import { cookieMode } from '../session.ts'
import { tell } from '../ui/problems.ts'
import classes from './entrance.module.css'

/** Seconds that are left of a wait, counted down. */
function useCountdown(): [seconds: number, begin: (seconds: number) => void] {
  const [seconds, setSeconds] = useState(0)
  useEffect(() => {
    if (seconds <= 0) return
    const timer = setTimeout(() => setSeconds(seconds - 1), 1000)
    return () => clearTimeout(timer)
  }, [seconds])
  return [seconds, setSeconds]
}

type Props = { known?: string; onEnter: (tokens: { access: string }) => void }

/** A phone number, and then the code that was sent to it; a number that is `known` can’t be another. */
export function PhoneForm({ known, onEnter }: Props) {
  const { t } = useTranslation()
  const [sentTo, setSentTo] = useState<string>()
  const [wait, beginWait] = useCountdown()
  const form = useForm({ initialValues: { phone: known ?? '', token: '' } })
  const { phone, token } = form.values

  const send = useMutation({
    mutationFn: () => answer(api.POST('/api/login', { body: { phone } })),
    onSuccess: (sent) => {
      setSentTo(sent.phone)
      beginWait(sent.retry_after)
    },
    onError: (error) => {
      if (error instanceof Problem && error.status === 429)
        form.setFieldError(sentTo ? 'token' : 'phone', error.message)
      else tell(error, form)
    },
  })
  const verify = useMutation({
    mutationFn: () => answer(api.POST('/api/verify', { body: { phone, token: token.trim() }, headers: cookieMode })),
    onSuccess: onEnter,
    onError: (error) => {
      if (error instanceof Problem && error.status === 400 && !error.faults.length)
        form.setFieldError('token', error.message)
      else tell(error, form)
    },
  })

  if (!sentTo)
    return (
      <form noValidate onSubmit={form.onSubmit(() => send.mutate())}>
        <Stack>
          <TextInput
            key="phone"
            label={t('accounts.sign_in.phone')}
            description={known ? undefined : t('accounts.sign_in.phone_hint')}
            readOnly={Boolean(known)}
            placeholder="+7 900 000-00-00"
            type="tel"
            autoComplete="tel"
            {...form.getInputProps('phone')}
          />
          <Button type="submit" loading={send.isPending} mt="xs">
            {t('accounts.sign_in.get_code')}
          </Button>
        </Stack>
      </form>
    )
  return (
    <form noValidate onSubmit={form.onSubmit(() => verify.mutate())}>
      <Stack>
        <TextInput
          key="code"
          className={classes.code}
          label={t('accounts.sign_in.code')}
          description={t('accounts.sign_in.code_hint', { phone })}
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={8}
          autoFocus
          {...form.getInputProps('token')}
        />
        <Button type="submit" loading={verify.isPending} mt="xs">
          {t('accounts.sign_in.confirm')}
        </Button>
        <Group justify="space-between" gap="xs">
          {!known && (
            <Button variant="subtle" px={0} onClick={() => setSentTo(undefined)}>
              {t('accounts.sign_in.other_phone')}
            </Button>
          )}
          {wait > 0 ? (
            <Text size="sm" c="dimmed">
              {t('accounts.sign_in.again_in', { seconds: wait })}
            </Text>
          ) : (
            <Button variant="subtle" px={0} loading={send.isPending} onClick={() => send.mutate()}>
              {t('accounts.sign_in.again')}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  )
}
