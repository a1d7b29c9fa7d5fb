import { Button, Checkbox, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconCheck } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { answer, api } from '../api.ts'
import { plainAmount, useFormat } from '../format.ts'
import { useSession } from '../session.ts'
import { Confirm } from '../ui/confirm.tsx'
import { useOnce } from '../ui/once.ts'
import { tell } from '../ui/problems.ts'
import classes from './detail.module.css'
import { type Collect, collectQueries } from './queries.ts'

const presets = ['500', '1000']

/** What is usually given at once, of the last that did; undefined while too few have. */
function usualOf(payments: { amount: string }[]): number | undefined {
  const sums = payments.map(({ amount }) => Number(amount)).toSorted((a, b) => a - b)
  return sums.length < 3 ? undefined : sums[sums.length >> 1]
}
/** So many times the usual is more often a slip of the finger than meant. */
const timesUsual = 10

const isAmount = (text: string) => /^\d{1,10}(\.\d{1,2})?$/.test(text)

/** Gives to a collect in two taps: the sum, and yes. `?amount=` in the address presets the sum. */
export function Give({ collect }: { collect: Collect & { payments: { amount: string }[] } }) {
  const { t } = useTranslation()
  const { money, currencySign } = useFormat()
  const { data: profile } = useProfile()
  const session = useSession()
  const queries = useQueryClient()
  // A reload must not pay twice: the answer may have been lost.
  const once = useOnce(`give-${collect.id}`)
  const [params] = useSearchParams()
  const preset = params.get('amount') ?? ''
  const [isOther, setOther] = useState(preset !== '' && !presets.includes(preset))
  const [hasComment, setHasComment] = useState(false)
  const [given, setGiven] = useState<{ amount: string; count: number }>()
  const [asked, setAsked] = useState(false)
  const form = useForm({ initialValues: { amount: preset, comment: '', is_anonymous: false } })
  const amount = plainAmount(form.values.amount)

  const pay = useMutation({
    mutationFn: () => {
      const body = { ...form.values, amount, collect: collect.id }
      return answer(api.POST('/api/payments', { body, headers: once.keyFor(body) }))
    },
    onSuccess: async (payment) => {
      once.finish()
      setAsked(false)
      setGiven({ amount: payment.amount, count: collect.payments_count })
      form.reset()
      await Promise.all([
        queries.invalidateQueries({ queryKey: collectQueries.detail(collect.id).queryKey }),
        queries.invalidateQueries({ queryKey: collectQueries.feed(collect.id).queryKey }),
        queries.invalidateQueries({ queryKey: ['collects', 'list'], refetchType: 'none' }),
        queries.invalidateQueries({ queryKey: ['collects', 'payments'], refetchType: 'none' }),
      ])
    },
    onError: (error) => {
      setAsked(false)
      tell(error, form)
    },
  })
  const usual = usualOf(collect.payments)
  const send = () => {
    if (collect.max_amount && Number(amount) > Number(collect.max_amount))
      form.setFieldError('amount', t('collects.give.above_most', { most: money(collect.max_amount) }))
    else if (usual && Number(amount) > usual * timesUsual) setAsked(true)
    else pay.mutate()
  }
  // Fewer payments than before: what was thanked for was given back.
  if (given && collect.payments_count > given.count) given.count = collect.payments_count
  else if (given && collect.payments_count < given.count) setGiven(undefined)

  if (given)
    return (
      <div
        className={classes.thanks}
        role="status"
        tabIndex={-1}
        ref={(element) => element?.focus({ preventScroll: true })}
      >
        <span className={classes.thanksMark}>
          <IconCheck size={30} aria-hidden />
        </span>
        <Text fw={700} size="xl">
          {t('collects.give.thanks')}
        </Text>
        <Text c="dimmed">
          {t(profile?.email ? 'collects.give.thanks_letter' : 'collects.give.thanks_text', {
            amount: money(given.amount),
          })}
        </Text>
        <Button variant="light" onClick={() => setGiven(undefined)}>
          {t('collects.give.again')}
        </Button>
      </div>
    )

  const choose = (value: string) => {
    setOther(value === '')
    form.setFieldValue('amount', value)
    form.clearErrors()
  }
  const here = `/collects/${collect.id}${isAmount(amount) ? `?amount=${amount}` : ''}`
  return (
    <form noValidate onSubmit={form.onSubmit(send)}>
      <Stack gap="md">
        <fieldset className={classes.amounts} aria-label={t('collects.give.amount')}>
          {presets.map((value) => (
            <button
              key={value}
              type="button"
              className={classes.amount}
              aria-pressed={!isOther && amount === value}
              onClick={() => choose(value)}
            >
              {money(value)}
            </button>
          ))}
          <button type="button" className={classes.amount} aria-pressed={isOther} onClick={() => choose('')}>
            {t('collects.give.other')}
          </button>
        </fieldset>
        {isOther && (
          <TextInput
            label={t('collects.give.other_amount', { sign: currencySign() })}
            description={collect.max_amount ? t('collects.give.most', { most: money(collect.max_amount) }) : undefined}
            inputMode="decimal"
            autoComplete="off"
            autoFocus
            {...form.getInputProps('amount')}
          />
        )}
        {hasComment && (
          <Textarea
            label={t('collects.give.comment')}
            description={t('collects.give.comment_hint')}
            autosize
            minRows={2}
            maxRows={6}
            maxLength={500}
            autoFocus
            {...form.getInputProps('comment')}
          />
        )}
        {session === 'member' && (
          <Checkbox
            size="md"
            className={classes.check}
            label={t('collects.give.anonymous')}
            {...form.getInputProps('is_anonymous', { type: 'checkbox' })}
          />
        )}
        {session === 'visitor' ? (
          <Button size="lg" component={Link} to={`/sign-in?next=${encodeURIComponent(here)}`}>
            {t('collects.give.sign_in')}
          </Button>
        ) : (
          <Button size="lg" type="submit" loading={pay.isPending} disabled={amount === '' || session !== 'member'}>
            {isAmount(amount) ? t('collects.give.action', { amount: money(amount) }) : t('collects.give.choose')}
          </Button>
        )}
        {session === 'member' && !hasComment && (
          <Button variant="subtle" onClick={() => setHasComment(true)}>
            {t('collects.give.add_comment')}
          </Button>
        )}
        <Confirm
          opened={asked}
          title={t('collects.give.sure')}
          action={t('collects.give.action', { amount: isAmount(amount) ? money(amount) : '' })}
          busy={pay.isPending}
          color="yard"
          onConfirm={() => pay.mutate()}
          onClose={() => setAsked(false)}
        >
          {usual !== undefined &&
            isAmount(amount) &&
            t('collects.give.sure_text', { usual: money(String(usual)), amount: money(amount) })}
        </Confirm>
      </Stack>
    </form>
  )
}
