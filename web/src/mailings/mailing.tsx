import { Alert, Group, Skeleton, Text } from '@mantine/core'
import { IconPlayerPause } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'
import { Problem } from '../api.ts'
import desk from '../ui/desk.module.css'
import { Page } from '../ui/page.tsx'
import { Section } from '../ui/section.tsx'
import { Failure, NotFound } from '../ui/states.tsx'
import { AudienceWords } from './audience-words.tsx'
import { useMailingsFormat } from './format.ts'
import { GatewayState } from './gateway-state.tsx'
import { useMailingEvents } from './live.ts'
import { MailingActions } from './mailing-actions.tsx'
import { MailingFigures } from './mailing-figures.tsx'
import classes from './mailings.module.css'
import { MailingProgress } from './progress.tsx'
import { type Mailing, mailingQueries } from './queries.ts'
import { useMayWrite } from './staff.ts'
import { StatusChip } from './status.tsx'
import { TimeLine } from './time-line.tsx'
import { Undelivered } from './undelivered.tsx'

/** A mailing as it goes: how far it is, how the gateway does, and who did not get it. */
export function MailingPage() {
  const id = Number(useParams().id)
  const { data: mailing, error, refetch } = useQuery(mailingQueries.mailing(id))
  useMailingEvents(id, mailing?.status === 'scheduled' || mailing?.status === 'running')
  if (error instanceof Problem && error.status === 404) return <NotFound />
  if (error && !mailing) return <Failure order={1} error={error} retry={refetch} />
  if (!mailing) return <Skeleton height={420} radius="lg" />
  return <Whole mailing={mailing} />
}

function Whole({ mailing }: { mailing: Mailing }) {
  const { t } = useTranslation()
  const format = useMailingsFormat()
  const mayWrite = useMayWrite()
  const { status, paused_at, pause_reason, local_window: hours } = mailing
  const hasBegun = status !== 'scheduled'
  return (
    <Page
      title={t('mailings.live.title', { id: mailing.id })}
      lead={
        <span className={classes.lead}>
          <StatusChip mailing={mailing} /> {format.span(mailing.starts_at, mailing.ends_at)}
        </span>
      }
      actions={mayWrite && <MailingActions mailing={mailing} />}
    >
      {paused_at !== null && (
        <Alert
          color="yellow"
          icon={<IconPlayerPause aria-hidden />}
          title={t('mailings.live.paused')}
          role="status"
          classNames={{ root: classes.paused, title: classes.plainTitle }}
        >
          {pause_reason ?? t('mailings.live.paused_by_hand', { moment: format.moment(paused_at) })}
          <br />
          {t('mailings.live.end_stays', { end: format.moment(mailing.ends_at) })}
        </Alert>
      )}
      <div className={classes.panes}>
        <div className={classes.left}>
          {mailing.started_at && (
            <Section title={t('mailings.live.progress')}>
              <MailingProgress mailing={mailing} />
            </Section>
          )}
          {hasBegun && !mailing.started_at && <Text c="dimmed">{t('mailings.live.cancelled_before')}</Text>}
          {hasBegun && <Undelivered mailing={mailing} mayWrite={mayWrite} />}
          {mailing.started_at && <MailingFigures mailing={mailing} />}
          {!hasBegun && (
            <Section
              title={t('mailings.compose.when')}
              text={t('mailings.live.begins', { at: format.moment(mailing.starts_at) })}
            >
              <TimeLine
                from={new Date(mailing.starts_at)}
                to={new Date(mailing.ends_at)}
                hours={hours}
                zones={[Intl.DateTimeFormat().resolvedOptions().timeZone]}
              />
            </Section>
          )}
        </div>
        <div className={classes.right}>
          <Section title={t('mailings.compose.what')}>
            <div className={classes.bubble}>{mailing.text}</div>
            <AudienceWords filter={mailing.filter} />
            {hours && <Text size="sm">{t('mailings.start.hours', hours)}</Text>}
            {mayWrite && (
              <Group>
                <Link to={`/admin/mailings/new?like=${mailing.id}`} className={desk.back}>
                  {t('mailings.live.like')}
                </Link>
              </Group>
            )}
          </Section>
          {status === 'running' && <GatewayState />}
        </div>
      </div>
    </Page>
  )
}
