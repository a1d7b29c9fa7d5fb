import { Group, Text, Textarea } from '@mantine/core'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useMailingsFormat } from './format.ts'
import classes from './mailings.module.css'
import { partsOf } from './parts.gen.ts'
import type { Audience } from './queries.ts'

export const mostCharacters = 1000

type Props = {
  value: string
  /** As the person in the preview gets it: placeholders change the length. */
  sample: string | null
  placeholders: Audience['placeholders']
  error: string | undefined
  onChange: (text: string) => void
}

/** The text of a mailing, with how many SMS it makes and what can be put in from each person's data. */
export function TextField({ value, sample, placeholders, error, onChange }: Props) {
  const { t } = useTranslation()
  const { number } = useMailingsFormat()
  const area = useRef<HTMLTextAreaElement>(null)
  const { encoding, units, parts } = partsOf(sample ?? value)
  const put = (name: string) => {
    const { selectionStart = value.length, selectionEnd = value.length } = area.current ?? {}
    const next = `${value.slice(0, selectionStart)}{${name}}${value.slice(selectionEnd)}`
    if ([...next].length > mostCharacters) return
    onChange(next)
    const caret = selectionStart + name.length + 2
    // After the field holds it.
    requestAnimationFrame(() => {
      area.current?.focus()
      area.current?.setSelectionRange(caret, caret)
    })
  }
  return (
    <div className={classes.field}>
      <Textarea
        ref={area}
        label={t('mailings.compose.text')}
        description={t('mailings.compose.text_hint')}
        autosize
        minRows={4}
        maxRows={14}
        maxLength={mostCharacters}
        value={value}
        error={error}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <Text size="sm" c="dimmed" className={classes.counter}>
        {value &&
          t('mailings.compose.parts', {
            count: parts,
            units: number(units),
            room: encoding === 'gsm7' ? (parts > 1 ? 153 : 160) : parts > 1 ? 67 : 70,
            encoding: t(`mailings.compose.${encoding}`),
          })}
      </Text>
      <Group gap="xs" role="group" aria-label={t('mailings.compose.placeholders')}>
        <Text size="sm" c="dimmed">
          {t('mailings.compose.placeholders')}
        </Text>
        {placeholders.map(({ name, label }) => (
          <button key={name} type="button" className={classes.placeholder} onClick={() => put(name)}>
            {label}
          </button>
        ))}
      </Group>
    </div>
  )
}
