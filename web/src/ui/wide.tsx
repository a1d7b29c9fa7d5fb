import { Paper } from '@mantine/core'
import type { ReactNode } from 'react'

/** What may be wider than a phone: it scrolls by itself, by keyboard too. */
export function Wide({ label, isCard, children }: { label: string; isCard?: boolean; children: ReactNode }) {
  return (
    <Paper
      component="section"
      aria-label={label}
      tabIndex={0}
      style={{ overflowX: 'auto' }}
      {...(isCard ? { withBorder: true } : { bg: 'transparent', radius: 0 })}
    >
      {children}
    </Paper>
  )
}
