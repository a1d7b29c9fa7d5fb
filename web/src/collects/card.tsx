import { Progress, Text, Title } from '@mantine/core'
import { IconCircleCheck, IconClock, IconUsers } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { daysUntil, percentOf, useFormat } from '../format.ts'
import { Scene } from '../ui/scene.tsx'
import classes from './card.module.css'
import type { Collect } from './queries.ts'

type Shown = Pick<
  Collect,
  | 'title'
  | 'occasion'
  | 'cover'
  | 'collected_amount'
  | 'target_amount'
  | 'donors_count'
  | 'ends_at'
  | 'status'
  | 'author'
>

/** The photograph, or a courtyard drawn for the occasion. */
export function Cover({
  cover,
  occasion,
  seed,
}: {
  cover: string | null
  occasion: Collect['occasion']
  seed: number
}) {
  return cover ? <img className={classes.image} src={cover} alt="" /> : <Scene kind={occasion} seed={seed} />
}

/** How far a collect has come; without a goal there is no bar. */
export function Bar({ collect, size }: { collect: Pick<Collect, 'collected_amount' | 'target_amount'>; size: number }) {
  const { t } = useTranslation()
  if (!collect.target_amount) return null
  const percent = percentOf(collect.collected_amount, collect.target_amount)
  return (
    <Progress
      value={percent}
      size={size}
      radius="xl"
      aria-label={t('collects.progress', { percent })}
      classNames={{ root: classes.track, section: classes.section }}
    />
  )
}

type CardProps = { collect: Shown; seed: number; level?: 2 | 3; to?: string }

/** A collect in a list, a link by its heading where it leads somewhere. `level` is that of the heading. */
export function CollectCard({ collect, seed, level = 2, to }: CardProps) {
  const { t } = useTranslation()
  const { money } = useFormat()
  const { collected_amount, target_amount, donors_count, status } = collect
  const percent = target_amount ? percentOf(collected_amount, target_amount) : undefined
  return (
    <article className={classes.card} data-link={to && true}>
      <div className={classes.cover} data-over={status !== 'active' || undefined}>
        <Cover cover={collect.cover} occasion={collect.occasion} seed={seed} />
        <span className={classes.tag}>{t(`collects.occasion.${collect.occasion}`)}</span>
      </div>
      <div className={classes.body}>
        <div>
          <Title order={level} size="h3" lineClamp={2} className={classes.title}>
            {to ? (
              <Link to={to} className={classes.link}>
                {collect.title}
              </Link>
            ) : (
              collect.title
            )}
          </Title>
          <Text size="sm" c="dimmed" truncate>
            {collect.author.full_name}
          </Text>
        </div>
        <div className={classes.money}>
          <div className={classes.sums}>
            <Text span fw={700} size="lg">
              {money(collected_amount)}
            </Text>
            <Text span size="sm" c="dimmed">
              {target_amount ? t('collects.of_target', { amount: money(target_amount) }) : t('collects.no_target')}
            </Text>
            {percent !== undefined && (
              <span className={classes.percent}>
                {percent === 100 && <IconCircleCheck size={18} className={classes.check} aria-hidden />}
                {t('collects.percent', { percent })}
              </span>
            )}
          </div>
          {target_amount ? <Bar collect={collect} size={8} /> : <div className={classes.noBar} />}
        </div>
        <div className={classes.facts}>
          <span>
            <IconUsers size={18} aria-hidden />
            {t('collects.donors', { count: donors_count })}
          </span>
          <span>
            <IconClock size={18} aria-hidden />
            {status === 'active'
              ? t('collects.days', { count: daysUntil(collect.ends_at) })
              : t(`collects.status.${status}`)}
          </span>
        </div>
      </div>
    </article>
  )
}
