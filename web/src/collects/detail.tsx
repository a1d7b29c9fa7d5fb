import { Anchor, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconArrowLeft, IconCircleCheck, IconClock, IconUsers } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { Problem } from '../api.ts'
import { daysUntil, percentOf, useFormat } from '../format.ts'
import { Linked } from '../ui/linked.tsx'
import { TabTitle } from '../ui/page.tsx'
import { Failure, NotFound } from '../ui/states.tsx'
import { AuthorActions } from './author-actions.tsx'
import { Bar, Cover } from './card.tsx'
import classes from './detail.module.css'
import { Feed } from './feed.tsx'
import { Give } from './give.tsx'
import { Ledger } from './ledger.tsx'
import { News } from './news.tsx'
import { type Collect, collectQueries, organises } from './queries.ts'
import { Share } from './share.tsx'

/** What others give meanwhile is shown within this time. */
const refreshMs = 10_000

export function CollectDetail() {
  const { t } = useTranslation()
  const { date } = useFormat()
  const { data: profile } = useProfile()
  const id = Number(useParams().id)
  const detail = useQuery({ ...collectQueries.detail(id), refetchInterval: refreshMs })
  if (detail.error instanceof Problem && detail.error.status === 404) return <NotFound />
  if (detail.isError && !detail.data) return <Failure order={1} error={detail.error} retry={detail.refetch} />
  const collect = detail.data
  if (!collect) return <DetailSkeleton />
  const isOrganiser = organises(profile, collect)
  const others = collect.organisers.map(({ full_name }) => full_name).join(', ')

  return (
    <article className={classes.page}>
      <TabTitle title={collect.title} />
      <div className={classes.back}>
        <Anchor component={Link} to="/collects" c="dimmed">
          <Group gap={6} mih={44}>
            <IconArrowLeft size={20} aria-hidden />
            {t('collects.detail.back')}
          </Group>
        </Anchor>
        {isOrganiser && (
          <AuthorActions collect={collect} isAuthor={profile?.id === collect.author.id || profile?.role === 'admin'} />
        )}
      </div>
      <div className={classes.cover}>
        <Cover cover={collect.cover} occasion={collect.occasion} seed={collect.id} />
      </div>
      <Stack gap={8} className={classes.head}>
        <Text fw={600} c="yard" className={classes.occasion}>
          {t(`collects.occasion.${collect.occasion}`)}
        </Text>
        <Title order={1}>{collect.title}</Title>
        <Text c="dimmed">
          {t('collects.detail.by', { name: collect.author.full_name })}
          {others && `, ${others}`} · {t('collects.detail.until', { date: date(collect.ends_at) })}
        </Text>
      </Stack>
      <aside className={classes.side}>
        <Paper withBorder p={{ base: 'md', sm: 'xl' }} shadow="none" className={classes.panel}>
          <Stack gap="lg">
            <Sums collect={collect} />
            {collect.status === 'active' ? <Give collect={collect} /> : <Over collect={collect} />}
            <Share title={collect.title} />
          </Stack>
        </Paper>
      </aside>
      <div className={classes.rest}>
        {collect.description && (
          <Stack gap="sm" component="section">
            <Title order={2}>{t('collects.detail.about')}</Title>
            <Text className={classes.description}>
              <Linked text={collect.description} />
            </Text>
          </Stack>
        )}
        <News collect={collect} mayTell={isOrganiser} />
        <Ledger collect={collect} mayWrite={isOrganiser} />
        <Feed collect={collect} mayRefund={isOrganiser} />
      </div>
    </article>
  )
}

function Sums({ collect }: { collect: Collect }) {
  const { t } = useTranslation()
  const { money } = useFormat()
  const { collected_amount, target_amount, donors_count, ends_at, status } = collect
  return (
    <Stack gap="sm">
      <div className={classes.sums}>
        <span className={classes.collected} data-testid="collected">
          {money(collected_amount)}
        </span>
        <Text span c="dimmed">
          {target_amount
            ? t('collects.of_target', { amount: money(target_amount) })
            : `${t('collects.detail.collected')}, ${t('collects.no_target')}`}
        </Text>
      </div>
      <Bar collect={collect} size={12} />
      {target_amount && percentOf(collected_amount, target_amount) === 100 && (
        <Group gap={6} className={classes.reached}>
          <IconCircleCheck size={20} aria-hidden />
          {t('collects.detail.reached')}
        </Group>
      )}
      <Group gap="4px 16px" c="dimmed" className={classes.facts}>
        <Group gap={6} component="span">
          <IconUsers size={20} aria-hidden />
          {t('collects.donors', { count: donors_count })}
        </Group>
        {status === 'active' && (
          <Group gap={6} component="span">
            <IconClock size={20} aria-hidden />
            {t('collects.days', { count: daysUntil(ends_at) })}
          </Group>
        )}
      </Group>
    </Stack>
  )
}

function Over({ collect }: { collect: Collect }) {
  const { t } = useTranslation()
  const { date } = useFormat()
  return (
    <Stack gap={4} className={classes.over}>
      <Text fw={600}>
        {collect.status === 'closed'
          ? t('collects.detail.closed')
          : t('collects.detail.over', { date: date(collect.ends_at) })}
      </Text>
      <Text c="dimmed">{t('collects.detail.over_text')}</Text>
    </Stack>
  )
}

function DetailSkeleton() {
  const { t } = useTranslation()
  return (
    <div className={classes.page} role="status" aria-label={t('shell.loading')}>
      <Skeleton className={classes.cover} />
      <Stack className={classes.head}>
        <Skeleton height={20} width="25%" />
        <Skeleton height={40} width="80%" />
      </Stack>
      <div className={classes.side}>
        <Skeleton height={420} radius="lg" />
      </div>
    </div>
  )
}
