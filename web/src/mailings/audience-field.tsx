import { Select, TagsInput, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { type Draft, type Parameter, parametersOf } from './draft.ts'
import classes from './mailings.module.css'
import { type Audience, mailingQueries } from './queries.ts'

type Props = {
  draft: Draft
  audiences: Audience[]
  /** What the server finds wrong, by the path of the field. */
  faults: Map<string, string>
  onChange: (change: Partial<Draft>) => void
}

/** Whom a mailing is for, as a sentence that one fills in. */
export function AudienceField({ draft, audiences, faults, onChange }: Props) {
  const { t } = useTranslation()
  const { who, operator_codes, tags } = draft
  const audience = audiences.find(({ name }) => name === who)
  const values = draft.parameters[who] ?? {}
  return (
    <fieldset className={classes.sentence} aria-label={t('mailings.compose.who')}>
      <Text className={classes.word}>{t('mailings.compose.send_to')}</Text>
      <Select
        className={classes.who}
        aria-label={t('mailings.compose.who')}
        value={who}
        error={faults.get('/filter/audience')}
        data={[
          { value: 'everyone', label: t('mailings.compose.everyone') },
          { value: 'clients', label: t('mailings.compose.some') },
          ...audiences.map(({ name, label }) => ({ value: name, label })),
        ]}
        onChange={(value) => value && onChange({ who: value })}
      />
      {who === 'clients' && (
        <>
          <TagsInput
            className={classes.tags}
            size="md"
            label={t('mailings.compose.with_codes')}
            placeholder={operator_codes.length ? undefined : t('mailings.compose.any')}
            value={operator_codes}
            inputMode="numeric"
            error={faults.get('/filter/operator_codes')}
            onChange={(codes) => onChange({ operator_codes: codes.filter((code) => /^\d{3}$/.test(code)) })}
          />
          <TagsInput
            className={classes.tags}
            size="md"
            label={t('mailings.compose.with_tags')}
            placeholder={tags.length ? undefined : t('mailings.compose.any')}
            value={tags}
            maxLength={64}
            error={faults.get('/filter/tags')}
            onChange={(next) => onChange({ tags: next })}
          />
        </>
      )}
      {parametersOf(audience).map((parameter) => (
        <ParameterField
          key={parameter.name}
          parameter={parameter}
          value={values[parameter.name] ?? ''}
          error={values[parameter.name] ? faults.get(`/filter/${parameter.name}`) : undefined}
          onChange={(value) =>
            onChange({ parameters: { ...draft.parameters, [who]: { ...values, [parameter.name]: value } } })
          }
        />
      ))}
    </fieldset>
  )
}

type ParameterProps = {
  parameter: Parameter
  value: string
  error: string | undefined
  onChange: (value: string) => void
}

function ParameterField({ parameter, value, error, onChange }: ParameterProps) {
  const { t } = useTranslation()
  const { title, type, isNeeded, choices } = parameter
  const label = isNeeded ? title : `${title} ${t('mailings.compose.optional')}`
  if (choices)
    return (
      <Select
        className={classes.tags}
        label={label}
        searchable={choices.length > 10}
        allowDeselect={!isNeeded}
        clearable={!isNeeded}
        data={choices}
        value={value || null}
        error={error}
        onChange={(chosen) => onChange(chosen ?? '')}
      />
    )
  return (
    <TextInput
      className={classes.tags}
      label={label}
      type={type === 'month' ? 'month' : 'text'}
      autoComplete="off"
      inputMode={type === 'integer' ? 'numeric' : type === 'decimal' ? 'decimal' : 'text'}
      value={value}
      error={error}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}

/** The audiences of the modules that run. */
export function useAudiences(): Audience[] {
  const { data } = useQuery(mailingQueries.audiences)
  return data?.results ?? []
}
