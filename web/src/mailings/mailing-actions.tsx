import { Button } from '@mantine/core'
import { IconDeviceMobileMessage, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'
import { answer, api } from '../api.ts'
import { Confirm } from '../ui/confirm.tsx'
import { useOnce } from '../ui/once.ts'
import { tell } from '../ui/problems.ts'
import { ChangeDialog } from './change-dialog.tsx'
import { useMailingsFormat } from './format.ts'
import classes from './mailings.module.css'
import { previewOptions } from './preview-query.ts'
import { type Mailing, mailingQueries } from './queries.ts'
import { StartDialog } from './start-dialog.tsx'
import { TestDialog } from './test-dialog.tsx'

type Step = 'pause' | 'resume' | 'cancel'

/** What can be done with a mailing as it stands. */
export function MailingActions({ mailing }: { mailing: Mailing }) {
  const { t } = useTranslation()
  const { number } = useMailingsFormat()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const once = useOnce()
  const [asked, setAsked] = useState<'cancel' | 'remove' | 'change' | 'test' | 'start'>()
  const { id, status, paused_at } = mailing
  const close = () => setAsked(undefined)
  const keep = (now: Mailing) => {
    queries.setQueryData(mailingQueries.mailing(id).queryKey, now)
    void queries.invalidateQueries({ queryKey: ['mailings', 'of', id] })
    return queries.invalidateQueries({ queryKey: ['mailings', 'list'] })
  }
  const settled = {
    onSuccess: keep,
    onError: (error: Error) => {
      tell(error)
      return queries.invalidateQueries({ queryKey: ['mailings'] })
    },
    onSettled: () => {
      once.finish()
      close()
    },
  }
  const step = useMutation({
    mutationFn: (what: Step) =>
      answer(
        api.POST(`/api/mailings/{id}/${what}` as '/api/mailings/{id}/cancel', {
          params: { path: { id } },
          headers: once.keyFor({ id, what }),
        }),
      ),
    ...settled,
  })
  const begin = useMutation({
    mutationFn: (starts_at: string) =>
      answer(api.PATCH('/api/mailings/{id}', { params: { path: { id } }, body: { starts_at } })),
    ...settled,
  })
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE('/api/mailings/{id}', { params: { path: { id } } })),
    onSuccess: async () => {
      await navigate('/admin/mailings')
      queries.removeQueries({ queryKey: mailingQueries.mailing(id).queryKey })
      await queries.invalidateQueries({ queryKey: ['mailings'] })
    },
    onError: (error) => tell(error),
    onSettled: close,
  })
  const preview = useQuery({ ...previewOptions(mailing), enabled: asked === 'start' })

  return (
    <>
      <div className={classes.actions}>
        {status === 'scheduled' && (
          <>
            <Button variant="subtle" color="red" onClick={() => setAsked('remove')}>
              {t('mailings.actions.remove')}
            </Button>
            <Button
              variant="default"
              leftSection={<IconDeviceMobileMessage size={20} aria-hidden />}
              onClick={() => setAsked('test')}
            >
              {t('mailings.test.open')}
            </Button>
            <Button variant="default" component={Link} to={`/admin/mailings/${id}/edit`}>
              {t('mailings.actions.edit')}
            </Button>
            <Button onClick={() => setAsked('start')}>{t('mailings.actions.begin')}</Button>
          </>
        )}
        {status === 'running' && (
          <>
            <Button variant="subtle" color="red" onClick={() => setAsked('cancel')}>
              {t('mailings.actions.cancel')}
            </Button>
            <Button variant="default" onClick={() => setAsked('change')}>
              {t('mailings.actions.change')}
            </Button>
            {paused_at === null ? (
              <Button
                variant="default"
                leftSection={<IconPlayerPause size={20} aria-hidden />}
                loading={step.isPending}
                onClick={() => step.mutate('pause')}
              >
                {t('mailings.actions.pause')}
              </Button>
            ) : (
              <Button
                leftSection={<IconPlayerPlay size={20} aria-hidden />}
                loading={step.isPending}
                onClick={() => step.mutate('resume')}
              >
                {t('mailings.actions.resume')}
              </Button>
            )}
          </>
        )}
        {(status === 'finished' || status === 'cancelled') && (
          <Button variant="subtle" color="red" onClick={() => setAsked('remove')}>
            {t('mailings.actions.remove')}
          </Button>
        )}
      </div>
      <Confirm
        opened={asked === 'cancel'}
        title={t('mailings.actions.cancel_title')}
        action={t('mailings.actions.cancel')}
        busy={step.isPending}
        onConfirm={() => step.mutate('cancel')}
        onClose={close}
      >
        {t('mailings.actions.cancel_text', {
          count: mailing.counts.processing,
          number: number(mailing.counts.processing),
        })}
      </Confirm>
      <Confirm
        opened={asked === 'remove'}
        title={t('mailings.actions.remove_title')}
        action={t('mailings.actions.remove')}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
        onClose={close}
      >
        {t(status === 'scheduled' ? 'mailings.actions.remove_scheduled' : 'mailings.actions.remove_text')}
      </Confirm>
      {asked === 'change' && <ChangeDialog mailing={mailing} onDone={keep} onClose={close} />}
      {asked === 'test' && <TestDialog tried={{ id }} onClose={close} />}
      {asked === 'start' && (
        <StartDialog
          mailing={mailing}
          preview={preview.data}
          begins="now"
          busy={begin.isPending || preview.isPending}
          onConfirm={() => begin.mutate(new Date().toISOString())}
          onClose={close}
        />
      )}
    </>
  )
}
