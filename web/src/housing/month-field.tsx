import { TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useQueryState } from '../ui/query-state.ts'
import { isMonth } from './months.ts'

/** The month of the address, or another. */
export function useMonth(otherwise: string): string {
  const { get } = useQueryState()
  return isMonth(get('month')) ? get('month') : otherwise
}

export function MonthField({ month }: { month: string }) {
  const { t } = useTranslation()
  const { set } = useQueryState()
  return (
    <TextInput
      type="month"
      label={t('housing.month')}
      value={month}
      onChange={(event) => isMonth(event.currentTarget.value) && set({ month: event.currentTarget.value })}
    />
  )
}
