import { Badge, Button, Center, Group, Paper, Skeleton, Stack, Text } from '@mantine/core'
import { IconMail, IconMessage, IconTruck } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useFormat } from '../format.ts'
import { Page } from '../ui/page.tsx'
import { Empty, Failure } from '../ui/states.tsx'
import classes from './outbox.module.css'
import { platformQueries } from './queries.ts'

const icons = { email: IconMail, sms: IconMessage, message: IconMessage, shipping: IconTruck }
const colors = { queued: 'gray', held: 'orange', sent: 'yard', failed: 'red' }

export function Outbox() {
  const { t } = useTranslation()
  const { ago } = useFormat()
  const outbox = useInfiniteQuery(platformQueries.outbox())
  const rows = outbox.data?.pages.flatMap((page) => page.results)

  return (
    <Page title={t('platform.outbox.title')} lead={t('platform.outbox.lead')}>
      {outbox.isPending && <Skeleton height={420} radius="lg" />}
      {outbox.isError && <Failure error={outbox.error} retry={outbox.refetch} />}
      {rows?.length === 0 && <Empty title={t('platform.outbox.empty')}>{t('platform.outbox.empty_text')}</Empty>}
      {rows && rows.length > 0 && (
        <Paper withBorder className={classes.list}>
          {rows.map((row) => {
            const Icon = icons[row.kind]
            return (
              <Link key={row.id} to={`/admin/outbox/${row.id}`} className={classes.row}>
                <Icon
                  size={22}
                  className={classes.icon}
                  aria-label={t(`platform.outbox.kind.${row.kind}`)}
                  role="img"
                />
                <Stack gap={0} className={classes.words}>
                  <Text fw={550} truncate>
                    {row.subject ?? row.text}
                  </Text>
                  <Text size="sm" c="dimmed" truncate>
                    {row.to}
                  </Text>
                </Stack>
                <Group gap="sm" wrap="nowrap" className={classes.end}>
                  {row.state !== 'sent' && (
                    <Badge variant="light" color={colors[row.state]}>
                      {t(`platform.outbox.state.${row.state}`)}
                    </Badge>
                  )}
                  <Text size="sm" c="dimmed" className={classes.time}>
                    {ago(row.created_at)}
                  </Text>
                </Group>
              </Link>
            )
          })}
        </Paper>
      )}
      {outbox.hasNextPage && (
        <Center>
          <Button variant="default" loading={outbox.isFetchingNextPage} onClick={() => outbox.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
    </Page>
  )
}
