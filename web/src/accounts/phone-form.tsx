import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api, Problem } from '../api.ts'
import { cookieMode } from '../session.ts'
import { keptInTab } from '../ui/kept.ts'
import { tell } from '../ui/problems.ts'
import classes from './entrance.module.css'

/** Seconds that are left of a wait, counted down. */
function useCountdown(first: number): [seconds: number, begin: (seconds: number) => void] {
  const [seconds, setSeconds] = useState(first)
  useEffect(() => {
    if (seconds <= 0) return
    const timer = setTimeout(() => setSeconds(seconds - 1), 1000)
    return () => clearTimeout(timer)
  }, [seconds])
  return [seconds, setSeconds]
}

const place = 'dvor-phone-step'
/** No new code goes to a number before. */
const retryMs = 60_000
type Step = { phone: string; until: number }

/** The number that waits for its code, also after a reload: the code is on its way, and a new one is not sent for a minute. */
export function readPhoneStep(): Step | undefined {
  try {
    const step = JSON.parse(keptInTab.get(place) ?? 'null') as Step | null
    // A code lives for five minutes.
    return step && step.until + 240_000 > Date.now() ? step : undefined
  } catch {
    return undefined
  }
}

type Props = { known?: string; onEnter: (tokens: { access: string }) => void }

/** A phone number, and then the code that was sent to it; a number that is `known` can’t be another. */
export function PhoneForm({ known, onEnter }: Props) {
  const { t } = useTranslation()
  const [step] = useState(() => (known ? undefined : readPhoneStep()))
  const [sentTo, setSentTo] = useState(step?.phone)
  const [wait, beginWait] = useCountdown(step ? Math.max(0, Math.ceil((step.until - Date.now()) / 1000)) : 0)
  const [entered, setEntered] = useState<{ access: string }>()
  const form = useForm({ initialValues: { phone: step?.phone ?? known ?? '', token: '' } })
  const { phone, token } = form.values

  const beginStep = (number: string, seconds: number) => {
    setSentTo(number)
    beginWait(seconds)
    if (!known) keptInTab.set(place, JSON.stringify({ phone, until: Date.now() + seconds * 1000 } satisfies Step))
  }
  const send = useMutation({
    mutationFn: () => answer(api.POST('/api/login', { body: { phone } })),
    onSuccess: (sent) => {
      beginStep(sent.phone, sent.retry_after)
    },
    onError: (error) => {
      if (!(error instanceof Problem) || error.status !== 429) return tell(error, form)
      // A code went to this number a moment ago: here it is asked for, however the page was left since.
      if (!sentTo) beginStep(phone, retryMs / 1000)
      form.setFieldError('token', error.message)
    },
  })
  const verify = useMutation({
    mutationFn: () =>
      answer(api.POST('/api/verify', { body: { phone, token: token.replace(/\D/g, '') }, headers: cookieMode })),
    onSuccess: (session) => {
      keptInTab.set(place, null)
      if (session.created && !known) setEntered(session)
      else onEnter(session)
    },
    onError: (error) => {
      if (error instanceof Problem && error.status === 400 && !error.faults.length)
        form.setFieldError('token', error.message)
      else tell(error, form)
    },
  })

  if (entered) return <FirstName onDone={() => onEnter(entered)} session={entered} />
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
          maxLength={12}
          autoFocus
          {...form.getInputProps('token')}
        />
        <Button type="submit" loading={verify.isPending} mt="xs">
          {t('accounts.sign_in.confirm')}
        </Button>
        <Group justify="space-between" gap="xs">
          {!known && (
            <Button
              variant="subtle"
              px={0}
              onClick={() => {
                keptInTab.set(place, null)
                setSentTo(undefined)
              }}
            >
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

/** Asks whoever came for the first time what neighbours may call them; it can wait. */
function FirstName({ session, onDone }: { session: { access: string }; onDone: () => void }) {
  const { t } = useTranslation()
  const form = useForm({ initialValues: { first_name: '' } })
  const save = useMutation({
    mutationFn: ({ first_name }: typeof form.values) => {
      const headers = { authorization: `Bearer ${session.access}` }
      return answer(api.PATCH('/api/profile', { body: { first_name: first_name.trim() }, headers }))
    },
    onSuccess: onDone,
    onError: (error) => tell(error, form),
  })
  return (
    <form noValidate onSubmit={form.onSubmit((values) => (values.first_name.trim() ? save.mutate(values) : onDone()))}>
      <Stack>
        <TextInput
          label={t('accounts.sign_in.your_name')}
          description={t('accounts.sign_in.your_name_hint')}
          autoComplete="given-name"
          maxLength={150}
          autoFocus
          {...form.getInputProps('first_name')}
        />
        <Button type="submit" loading={save.isPending} mt="xs">
          {t('accounts.sign_in.go_on')}
        </Button>
      </Stack>
    </form>
  )
}
