import { ActionIcon, Avatar, Button, Center, Group, Menu, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconArrowBackUp, IconDots, IconUser } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { initialsOf } from '../accounts/queries.ts'
import { useFormat } from '../format.ts'
import { Empty, Failure } from '../ui/states.tsx'
import classes from './detail.module.css'
import { type Collect, collectQueries, type FeedItem } from './queries.ts'
import { Refund } from './refund.tsx'

/** Who gave, newest first. */
export function Feed({ collect, mayRefund }: { collect: Collect; mayRefund: boolean }) {
  const { t } = useTranslation()
  const [asked, setAsked] = useState<FeedItem>()
  const feed = useInfiniteQuery(collectQueries.feed(collect.id))
  const items = feed.data?.pages.flatMap((page) => page.results)

  // The totals are asked for again and again; when they have moved, so has the feed.
  const { payments_count } = collect
  const { refetch } = feed
  // biome-ignore lint/correctness/useExhaustiveDependencies: the count is not used here, it is the signal
  useEffect(() => {
    void refetch()
  }, [payments_count, refetch])

  return (
    <Stack gap="sm" component="section">
      <Title order={2}>{t('collects.detail.feed')}</Title>
      {feed.isPending && <Skeleton height={300} />}
      {feed.isError && !items && <Failure error={feed.error} retry={feed.refetch} />}
      {items?.length === 0 && <Empty title={t('collects.detail.empty')}>{t('collects.detail.empty_text')}</Empty>}
      {items && items.length > 0 && (
        <ul className={classes.feed}>
          {items.map((item) => (
            <FeedRow key={item.id} item={item} onRefund={mayRefund ? () => setAsked(item) : undefined} />
          ))}
        </ul>
      )}
      {feed.hasNextPage && (
        <Center>
          <Button variant="default" loading={feed.isFetchingNextPage} onClick={() => feed.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
      <Refund payment={asked} onClose={() => setAsked(undefined)} />
    </Stack>
  )
}

function FeedRow({ item, onRefund }: { item: FeedItem; onRefund?: () => void }) {
  const { t } = useTranslation()
  const { ago, money } = useFormat()
  const name = item.full_name ?? t('collects.detail.anonymous')
  return (
    <li className={classes.item}>
      <Avatar size={44} color={item.full_name ? 'yard' : 'gray'} aria-hidden>
        {item.full_name ? initialsOf({ full_name: item.full_name }) : <IconUser size={24} />}
      </Avatar>
      <div className={classes.words}>
        <Group justify="space-between" wrap="nowrap" align="baseline" gap="sm">
          <Text fw={550}>{name}</Text>
          <span className={classes.sum}>{money(item.amount)}</span>
        </Group>
        {item.comment && <Text>{item.comment}</Text>}
        <Text size="sm" c="dimmed">
          {ago(item.created_at)}
        </Text>
      </div>
      {onRefund && (
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('collects.detail.more_actions', { name, amount: money(item.amount) })}
            >
              <IconDots size={20} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconArrowBackUp size={18} />} onClick={onRefund}>
              {t('collects.author.refund')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
    </li>
  )
}
