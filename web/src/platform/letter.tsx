import { Anchor, Badge, Group, Paper, SegmentedControl, Skeleton, Stack, Text } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'
import { Problem } from '../api.ts'
import { useFormat } from '../format.ts'
import { Page } from '../ui/page.tsx'
import { Failure, NotFound } from '../ui/states.tsx'
import classes from './outbox.module.css'
import { platformQueries } from './queries.ts'

/** One thing that was sent. Its HTML is shown where it can run no script and reach nothing of ours. */
export function Letter() {
  const { t } = useTranslation()
  const { moment } = useFormat()
  const id = Number(useParams().id)
  const sent = useQuery(platformQueries.sent(id))
  const [form, setForm] = useState('letter')
  if (sent.error instanceof Problem && sent.error.status === 404) return <NotFound />
  if (sent.isError) return <Failure order={1} error={sent.error} retry={sent.refetch} />
  const row = sent.data
  const kind = t(`platform.outbox.kind.${row?.kind ?? 'email'}`)

  return (
    <Stack>
      <Anchor component={Link} to="/admin/outbox" c="dimmed">
        <Group gap={6} mih={44}>
          <IconArrowLeft size={20} aria-hidden />
          {t('platform.outbox.back')}
        </Group>
      </Anchor>
      <Page title={row?.subject ?? kind} lead={row && t('platform.outbox.to', { to: row.to })}>
        {row ? (
          <Stack>
            <Group justify="space-between">
              <Group gap="xs">
                <Badge
                  variant="light"
                  size="lg"
                  color={{ queued: 'yard', held: 'orange', sent: 'yard', failed: 'red' }[row.state]}
                >
                  {t(`platform.outbox.state.${row.state}`)}
                </Badge>
                <Text c="dimmed">{moment(row.created_at)}</Text>
              </Group>
              {row.html && (
                <SegmentedControl
                  aria-label={t('platform.outbox.content')}
                  value={form}
                  onChange={setForm}
                  data={[
                    { value: 'letter', label: t('platform.outbox.as_letter') },
                    { value: 'text', label: t('platform.outbox.as_text') },
                  ]}
                />
              )}
            </Group>
            {row.error && <Text c="red">{t('platform.outbox.error', { error: row.error })}</Text>}
            <Paper withBorder>
              {row.html && form === 'letter' ? (
                <iframe className={classes.letter} sandbox="" srcDoc={row.html} title={t('platform.outbox.content')} />
              ) : (
                <Text p="lg" className={classes.text}>
                  {row.text}
                </Text>
              )}
            </Paper>
          </Stack>
        ) : (
          <Skeleton height={420} radius="lg" />
        )}
      </Page>
    </Stack>
  )
}
