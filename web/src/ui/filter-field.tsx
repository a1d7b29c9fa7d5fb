import { TextInput, type TextInputProps } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'

type Props = Pick<TextInputProps, 'inputMode' | 'maxLength' | 'className'> & {
  label: string
  value: string
  /** What is marked and filters nothing. */
  isWrong?: (text: string) => boolean
  onFilter: (text: string) => void
}

/** A filter that one types, and that speaks when the person pauses; '' removes it. */
export function FilterField({ label, value, isWrong, onFilter, ...rest }: Props) {
  const [text, setText] = useState(value)
  const speak = useDebouncedCallback(onFilter, 400)
  useEffect(() => {
    if (value === '') setText('')
  }, [value])
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      autoComplete="off"
      error={text !== '' && isWrong?.(text)}
      value={text}
      onChange={(event) => {
        const typed = event.currentTarget.value
        setText(typed)
        if (typed === '' || !isWrong?.(typed)) speak(typed.trim())
      }}
      {...rest}
    />
  )
}
