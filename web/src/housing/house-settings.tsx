import { Button, Paper, Select, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate, useOutletContext } from 'react-router'
import { answer, api } from '../api.ts'
import { plainAmount } from '../format.ts'
import { Confirm } from '../ui/confirm.tsx'
import desk from '../ui/desk.module.css'
import { done, tell } from '../ui/problems.ts'
import type { HouseContext } from './house.tsx'

const policies = ['skip', 'average', 'norm'] as const

/** What holds for a whole house. */
export function HouseSettings() {
  const { t } = useTranslation()
  const { house } = useOutletContext<HouseContext>()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const [isAsked, setAsked] = useState(false)
  const path = { id: house.id }
  const shown = (norm: string | null) => (norm === null ? '' : String(Number(norm)).replace('.', ','))
  const form = useForm({
    initialValues: {
      address: house.address,
      timezone: house.timezone,
      missing_readings: house.missing_readings,
      norm_cold_water: shown(house.norm_cold_water),
      norm_hot_water: shown(house.norm_hot_water),
      window_from: String(house.window_from),
      window_to: String(house.window_to),
    },
  })
  const save = useMutation({
    mutationFn: (values: typeof form.values) => {
      const norm = (text: string) => plainAmount(text) || null
      const body = {
        ...values,
        norm_cold_water: norm(values.norm_cold_water),
        norm_hot_water: norm(values.norm_hot_water),
        window_from: Number(values.window_from),
        window_to: Number(values.window_to),
      }
      return answer(api.PATCH('/api/houses/{id}', { params: { path }, body }))
    },
    onSuccess: () => {
      done(t('shell.saved'))
      return queries.invalidateQueries({ queryKey: ['housing'] })
    },
    onError: (error) => tell(error, form),
  })
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE('/api/houses/{id}', { params: { path } })),
    onSuccess: async () => {
      await navigate('/admin/houses')
      await queries.invalidateQueries({ queryKey: ['housing', 'houses'] })
    },
    onError: (error) => {
      setAsked(false)
      tell(error)
    },
  })
  const norm = { inputMode: 'decimal', autoComplete: 'off', description: t('housing.house.norm_hint') } as const
  const day = { inputMode: 'numeric', autoComplete: 'off' } as const
  return (
    <Paper withBorder p={{ base: 'md', sm: 'xl' }} maw={680}>
      <form noValidate onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack gap="lg">
          <TextInput label={t('housing.house.address')} {...form.getInputProps('address')} />
          <TextInput label={t('housing.house.timezone')} {...form.getInputProps('timezone')} />
          <Select
            label={t('housing.house.missing')}
            data={policies.map((value) => ({ value, label: t(`housing.house.policy.${value}`) }))}
            {...form.getInputProps('missing_readings')}
          />
          <div className={desk.pair}>
            <TextInput label={t('housing.house.norm_cold')} {...norm} {...form.getInputProps('norm_cold_water')} />
            <TextInput label={t('housing.house.norm_hot')} {...norm} {...form.getInputProps('norm_hot_water')} />
          </div>
          <div className={desk.pair}>
            <TextInput label={t('housing.house.window_from')} {...day} {...form.getInputProps('window_from')} />
            <TextInput label={t('housing.house.window_to')} {...day} {...form.getInputProps('window_to')} />
          </div>
          <div className={desk.tools}>
            <Button type="submit" size="lg" loading={save.isPending}>
              {t('housing.save')}
            </Button>
            <Button variant="subtle" color="red" size="lg" onClick={() => setAsked(true)}>
              {t('housing.house.remove')}
            </Button>
          </div>
        </Stack>
      </form>
      <Confirm
        opened={isAsked}
        title={t('housing.house.remove_title')}
        action={t('housing.house.remove')}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
        onClose={() => setAsked(false)}
      >
        {t('housing.house.remove_text', { address: house.address })}
      </Confirm>
    </Paper>
  )
}
