import { Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useOrganisation } from '../platform/queries.ts'

type Props = { title: string; lead?: ReactNode; actions?: ReactNode; width?: number; children: ReactNode }

/** The name of the browser's tab. */
export function TabTitle({ title }: { title: string }) {
  const { t } = useTranslation()
  const { data } = useOrganisation()
  return <title>{data ? t('shell.page_title', { page: title, name: data.name }) : title}</title>
}

/** A page with its heading; `width` narrows it to what is good to read or to fill in. */
export function Page({ title, lead, actions, width, children }: Props) {
  return (
    <Stack gap="xl" maw={width} mx={width ? 'auto' : undefined}>
      <TabTitle title={title} />
      <Group justify="space-between" align="flex-end" gap="md">
        <Stack gap={6} miw={0} style={{ overflowWrap: 'anywhere' }}>
          <Title order={1}>{title}</Title>
          {lead && (
            <Text c="dimmed" fz={{ base: 'md', sm: 'lg' }}>
              {lead}
            </Text>
          )}
        </Stack>
        {actions}
      </Group>
      {children}
    </Stack>
  )
}
