import { Select, type SelectProps } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

export type Option = { value: string; label: string }

type Props = Omit<SelectProps, 'data'> & {
  /** What stands above whatever is found. */
  options: Option[]
  /** Finds the first options for some words; the key is theirs in the cache. */
  search: (text: string) => Promise<Option[]>
  searchKey: string
}

/** A choice among more than a list can hold: what is typed is looked up by the server. */
export function SearchSelect({ options, search, searchKey, ...rest }: Props) {
  const [text, setText] = useState('')
  const [picked, setPicked] = useState<Option>()
  const [words] = useDebouncedValue(text === picked?.label ? '' : text.trim(), 250)
  const found = useQuery({
    queryKey: ['options', searchKey, words],
    queryFn: () => search(words),
    placeholderData: keepPreviousData,
  })
  const all = [...options, ...(picked ? [picked] : []), ...(found.data ?? [])]
  const data = all.filter(({ value }, i) => all.findIndex((other) => other.value === value) === i)
  return (
    <Select
      {...rest}
      data={data}
      searchable
      filter={({ options: shown }) => shown}
      onSearchChange={setText}
      onOptionSubmit={(value) => setPicked(data.find((option) => option.value === value))}
    />
  )
}
