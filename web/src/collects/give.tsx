import { Button, Checkbox, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconCheck } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'react-router'
import { answer, api } from '../api.ts'
import { plainAmount, useFormat } from '../format.ts'
import { useSession } from '../session.ts'
import { useOnce } from '../ui/once.ts'
import { tell } from '../ui/problems.ts'
import classes from './detail.module.css'
import { type Collect, collectQueries } from './queries.ts'

const presets = ['500', '1000']

const isAmount = (text: string) => /^\d{1,10}(\.\d{1,2})?$/.test(text)

/** Gives to a collect in two taps: the sum, and yes. `?amount=` in the address presets the sum. */
export function Give({ collect }: { collect: Collect }) {
  const { t } = useTranslation()
  const { money } = useFormat()
  const session = useSession()
  const queries = useQueryClient()
  const once = useOnce()
  const [params] = useSearchParams()
  const preset = params.get('amount') ?? ''
  const [isOther, setOther] = useState(preset !== '' && !presets.includes(preset))
  const [hasComment, setHasComment] = useState(false)
  const [given, setGiven] = useState<string>()
  const form = useForm({ initialValues: { amount: preset, comment: '', is_anonymous: false } })
  const amount = plainAmount(form.values.amount)

  const pay = useMutation({
    mutationFn: () => {
      const body = { ...form.values, amount, collect: collect.id }
      return answer(api.POST('/api/payments', { body, headers: once.keyFor(body) }))
    },
    onSuccess: async (payment) => {
      once.finish()
      setGiven(payment.amount)
      form.reset()
      await Promise.all([
        queries.invalidateQueries({ queryKey: collectQueries.detail(collect.id).queryKey }),
        queries.invalidateQueries({ queryKey: collectQueries.feed(collect.id).queryKey }),
        queries.invalidateQueries({ queryKey: ['collects', 'list'], refetchType: 'none' }),
        queries.invalidateQueries({ queryKey: ['collects', 'payments'], refetchType: 'none' }),
      ])
    },
    onError: (error) => tell(error, form),
  })

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
        <Text c="dimmed">{t('collects.give.thanks_text', { amount: money(given) })}</Text>
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
    <form noValidate onSubmit={form.onSubmit(() => pay.mutate())}>
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
            label={t('collects.give.other_amount')}
            inputMode="decimal"
            autoComplete="off"
            autoFocus
            {...form.getInputProps('amount')}
          />
        )}
        {hasComment && (
          <TextInput
            label={t('collects.give.comment')}
            description={t('collects.give.comment_hint')}
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
      </Stack>
    </form>
  )
}
