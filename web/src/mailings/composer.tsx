import { Button, Skeleton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconDeviceMobileMessage } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate, useParams, useSearchParams } from 'react-router'
import { answer, api, Problem } from '../api.ts'
import { useDraft } from '../ui/draft.ts'
import { useOnce } from '../ui/once.ts'
import { Page } from '../ui/page.tsx'
import { done, tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import { Failure, Forbidden } from '../ui/states.tsx'
import { AudienceField, useAudiences } from './audience-field.tsx'
import { type Draft, draftOf, emptyDraft, mailingOf } from './draft.ts'
import classes from './mailings.module.css'
import { PhonePreview } from './phone-preview.tsx'
import { usePreview } from './preview-query.ts'
import { mailingQueries } from './queries.ts'
import { StartDialog } from './start-dialog.tsx'
import { TestDialog } from './test-dialog.tsx'
import { TextField } from './text-field.tsx'
import { isEnded, WhenField } from './when-field.tsx'
import { WhoGetsIt } from './who-gets-it.tsx'

/** A new mailing, or one like another. */
export function Compose() {
  const like = Number(useSearchParams()[0].get('like')) || undefined
  const other = useQuery({ ...mailingQueries.mailing(like ?? 0), enabled: like !== undefined })
  if (like === undefined) return <Composer name="mailing-new" begin={emptyDraft()} />
  if (other.isError) return <Failure order={1} error={other.error} retry={other.refetch} />
  if (!other.data) return <Skeleton height={480} radius="lg" />
  const { text, who, operator_codes, tags, parameters } = draftOf(other.data)
  return (
    <Composer name={`mailing-like-${like}`} begin={{ ...emptyDraft(), text, who, operator_codes, tags, parameters }} />
  )
}

/** A mailing that has not begun yet, to be changed. */
export function EditMailing() {
  const id = Number(useParams().id)
  const mailing = useQuery(mailingQueries.mailing(id))
  if (mailing.isError) return <Failure order={1} error={mailing.error} retry={mailing.refetch} />
  if (!mailing.data) return <Skeleton height={480} radius="lg" />
  if (mailing.data.status !== 'scheduled') return <Forbidden />
  return <Composer key={mailing.data.updated_at} name={`mailing-${id}`} begin={draftOf(mailing.data)} id={id} />
}

function useKeptDraft(name: string, begin: Draft) {
  const kept = useDraft(name)
  // What an older version has kept may lack a field.
  const draft: Draft = kept.text === null ? begin : { ...begin, ...JSON.parse(kept.text) }
  return {
    draft,
    isBegun: kept.text !== null,
    change: (change: Partial<Draft>) => kept.set(JSON.stringify({ ...draft, ...change })),
    drop: () => kept.set(null),
  }
}

type Whole = NonNullable<ReturnType<typeof mailingOf>>

function Composer({ name, begin, id }: { name: string; begin: Draft; id?: number }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const once = useOnce()
  const { draft, isBegun, change, drop } = useKeptDraft(name, begin)
  const [shown, setShown] = useState(0)
  const [asked, setAsked] = useState<'test' | Whole>()
  const [refused, setRefused] = useState(new Map<string, string>())
  const audiences = useAudiences()
  const audience = audiences.find((one) => one.name === draft.who)
  const own = [
    { name: 'phone', label: t('mailings.phone') },
    { name: 'tag', label: t('mailings.tag') },
  ]
  const [settled] = useDebouncedValue(draft, 400)
  const preview = usePreview(mailingOf(settled, audience))
  const faults = new Map([...refused, ...preview.faults])
  const people = preview.data?.sample ?? []
  const person = people[Math.min(shown, people.length - 1)]
  const put = (next: Partial<Draft>) => {
    setRefused(new Map())
    change(next)
  }

  const send = useMutation({
    mutationFn: (body: Whole) =>
      id === undefined
        ? answer(api.POST('/api/mailings', { headers: once.keyFor(body), body }))
        : answer(api.PATCH('/api/mailings/{id}', { params: { path: { id } }, body })),
    onSuccess: async (made) => {
      drop()
      queries.setQueryData(mailingQueries.mailing(made.id).queryKey, made)
      await queries.invalidateQueries({ queryKey: ['mailings', 'list'] })
      done(t(made.status === 'scheduled' ? 'mailings.compose.kept' : 'mailings.compose.begun'))
      await navigate(`/admin/mailings/${made.id}`)
    },
    onError: (error) => {
      setAsked(undefined)
      if (error instanceof Problem && error.faults.length)
        setRefused(new Map(error.faults.map(({ path, message }) => [path, message])))
      else tell(error)
    },
  })
  const isWritten = () => {
    const isThere = draft.text.trim() !== ''
    if (!isThere) setRefused(new Map([['/text', t('mailings.compose.write_first')]]))
    return isThere
  }
  const ask = () => {
    const whole = mailingOf(draft, audience)
    if (isWritten() && whole && !isEnded(draft) && !preview.faults.size) setAsked(whole)
  }

  return (
    <Page
      title={t(id === undefined ? 'mailings.compose.title' : 'mailings.compose.edit')}
      lead={t('mailings.compose.lead')}
      actions={
        isBegun && (
          <Button variant="subtle" color="gray" onClick={drop}>
            {t(id === undefined ? 'mailings.compose.drop' : 'mailings.compose.undo')}
          </Button>
        )
      }
    >
      <div className={classes.panes}>
        <div className={classes.left}>
          <Section title={t('mailings.compose.who')}>
            <AudienceField draft={draft} audiences={audiences} faults={faults} onChange={put} />
            <WhoGetsIt preview={preview.data} isBusy={preview.isFetching} shown={shown} onShow={setShown} />
          </Section>
          <Section title={t('mailings.compose.what')}>
            <TextField
              value={draft.text}
              sample={settled.text === draft.text ? (person?.text ?? null) : null}
              placeholders={audience?.placeholders ?? own}
              error={faults.get('/text')}
              onChange={(text) => put({ text })}
            />
          </Section>
          <Section title={t('mailings.compose.when')}>
            <WhenField when={draft} zones={people.map(({ timezone }) => timezone)} faults={faults} onChange={put} />
          </Section>
        </div>
        <div className={`${classes.right} ${classes.sticky}`}>
          <PhonePreview text={draft.text} people={people} shown={shown} onShow={setShown} />
          <div className={classes.send}>
            <Button
              variant="default"
              leftSection={<IconDeviceMobileMessage size={20} aria-hidden />}
              onClick={() => isWritten() && setAsked('test')}
            >
              {t('mailings.test.open')}
            </Button>
            <Button size="lg" onClick={ask}>
              {t(draft.begins === 'now' ? 'mailings.compose.send' : 'mailings.compose.schedule')}
            </Button>
          </div>
        </div>
      </div>
      {asked === 'test' && (
        <TestDialog
          tried={{ text: draft.text, ...(audience && { audience: audience.name }) }}
          onClose={() => setAsked(undefined)}
        />
      )}
      {asked && asked !== 'test' && (
        <StartDialog
          mailing={asked}
          preview={preview.data}
          begins={draft.begins}
          busy={send.isPending}
          onConfirm={() => send.mutate(asked)}
          onClose={() => setAsked(undefined)}
        />
      )}
    </Page>
  )
}
