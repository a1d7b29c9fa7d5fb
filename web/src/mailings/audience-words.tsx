import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useAudiences } from './audience-field.tsx'
import { parametersOf } from './draft.ts'
import type { Mailing } from './queries.ts'

/** Whom a mailing is for, in words. */
export function AudienceWords({ filter }: { filter: Mailing['filter'] }) {
  const { t } = useTranslation()
  const audiences = useAudiences()
  const { operator_codes = [], tags = [], audience, ...parameters } = filter
  const found = audiences.find(({ name }) => name === audience)
  const known = parametersOf(found)
  const words = audience
    ? [
        found?.label ?? audience,
        ...Object.entries(parameters).map(([name, value]) => {
          const parameter = known.find((one) => one.name === name)
          const chosen = parameter?.choices?.find((choice) => choice.value === String(value))
          return `${parameter?.title ?? name}: ${chosen?.label ?? String(value)}`
        }),
      ]
    : [
        operator_codes.length > 0 && `${t('mailings.operator_code')}: ${operator_codes.join(', ')}`,
        tags.length > 0 && `${t('mailings.tag')}: ${tags.join(', ')}`,
      ].filter(Boolean)
  return (
    <Text size="sm">
      {t('mailings.live.to')} {words.length ? words.join(' · ') : t('mailings.compose.everyone')}
    </Text>
  )
}
