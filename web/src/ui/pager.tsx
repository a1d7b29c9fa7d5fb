import { Center, Pagination } from '@mantine/core'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'

type Props = { count: number | null; size: number; page: number; onChange: (page: number) => void }

/** Numbered pages of a list; nothing when one page holds it all. */
export function Pager({ count, size, page, onChange }: Props) {
  const { t } = useTranslation()
  const total = Math.ceil((count ?? 0) / size)
  // An address may name a page that is no more: the last one stands for it.
  useEffect(() => {
    if (total > 0 && page > total) onChange(total)
  })
  if (total < 2) return null
  const labels = { next: t('shell.pages.next'), previous: t('shell.pages.previous') } as const
  return (
    <Center component="nav" aria-label={t('shell.pages.title')}>
      <Pagination
        total={total}
        value={page}
        onChange={onChange}
        siblings={1}
        boundaries={1}
        getControlProps={(control) => ({ 'aria-label': labels[control as keyof typeof labels] })}
        getItemProps={(n) => ({ 'aria-label': String(n) })}
      />
    </Center>
  )
}
