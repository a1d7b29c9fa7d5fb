import { TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { useEffect, useState } from 'react'

type Props = { label: string; value: string; onSearch: (text: string) => void; className?: string }

/** A search box that speaks when the person pauses. `value` is what is searched for now. */
export function SearchField({ label, value, onSearch, className }: Props) {
  const [text, setText] = useState(value)
  const speak = useDebouncedCallback(onSearch, 300)
  useEffect(() => {
    if (value === '') setText('')
  }, [value])
  return (
    <TextInput
      className={className}
      type="search"
      aria-label={label}
      placeholder={label}
      leftSection={<IconSearch size={20} aria-hidden />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value)
        speak(event.currentTarget.value)
      }}
    />
  )
}
