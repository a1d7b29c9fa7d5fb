import { Button, Center, Paper, Skeleton, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import desk from '../ui/desk.module.css'
import list from '../ui/list.module.css'
import { useQueryState } from '../ui/query-state.ts'
import { Empty, Failure } from '../ui/states.tsx'
import { Desk } from './desk.tsx'
import { useMailingsFormat } from './format.ts'
import classes from './mailings.module.css'
import { type Mailing, mailingQueries, statuses } from './queries.ts'
import { useMayWrite } from './staff.ts'
import { CountsBar, StatusChip } from './status.tsx'

/** Every mailing, the newest first. */
export function MailingList() {
  const { t } = useTranslation()
  const mayWrite = useMayWrite()
  const { oneOf, set, clear } = useQueryState()
  const status = oneOf('status', statuses)
  const mailings = useInfiniteQuery(mailingQueries.mailings(status))
  const rows = mailings.data?.pages.flatMap((page) => page.results)
  const compose = mayWrite && (
    <Button component={Link} to="/admin/mailings/new" leftSection={<IconPlus size={20} aria-hidden />}>
      {t('mailings.list.new')}
    </Button>
  )
  return (
    <Desk title={t('mailings.list.title')} lead={t('mailings.list.lead')} actions={compose}>
      <fieldset className={list.chips} aria-label={t('mailings.list.status')}>
        {[undefined, ...statuses].map((value) => (
          <button
            key={value ?? 'any'}
            type="button"
            className={list.chip}
            aria-pressed={status === value}
            onClick={() => set({ status: value ?? '' })}
          >
            {t(value ? `mailings.list.only.${value}` : 'mailings.list.any')}
          </button>
        ))}
      </fieldset>
      {mailings.isPending && <Skeleton height={420} radius="lg" />}
      {mailings.isError && !rows && <Failure error={mailings.error} retry={mailings.refetch} />}
      {rows?.length === 0 &&
        (status ? (
          <Empty
            title={t('mailings.list.not_found')}
            action={
              <Button variant="default" onClick={clear}>
                {t('mailings.reset')}
              </Button>
            }
          />
        ) : (
          <Empty title={t('mailings.list.none')}>{mayWrite && t('mailings.list.none_text')}</Empty>
        ))}
      {rows && rows.length > 0 && (
        <Paper withBorder component="ul" className={desk.list} aria-busy={mailings.isPlaceholderData}>
          {rows.map((mailing) => (
            <Row key={mailing.id} mailing={mailing} />
          ))}
        </Paper>
      )}
      {mailings.hasNextPage && (
        <Center>
          <Button variant="default" loading={mailings.isFetchingNextPage} onClick={() => mailings.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
    </Desk>
  )
}

function Row({ mailing }: { mailing: Mailing }) {
  const { t } = useTranslation()
  const format = useMailingsFormat()
  const { local_window: hours, status, counts } = mailing
  return (
    <li className={`${desk.row} ${classes.mailing}`}>
      <div className={desk.grow}>
        <Link to={`/admin/mailings/${mailing.id}`} className={`${desk.whole} ${classes.text}`}>
          {mailing.text}
        </Link>
        <Text size="sm" c="dimmed">
          {format.span(mailing.starts_at, mailing.ends_at)}
          {hours && ` · ${t('mailings.hours', hours)}`}
        </Text>
      </div>
      <div className={classes.standing}>
        <StatusChip mailing={mailing} />
        {status !== 'scheduled' && <CountsBar counts={counts} />}
      </div>
    </li>
  )
}
