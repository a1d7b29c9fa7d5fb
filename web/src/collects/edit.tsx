import { Skeleton } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useNavigate, useParams } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { answer, api, Problem } from '../api.ts'
import { Page } from '../ui/page.tsx'
import { atPicture, withFile } from '../ui/picture-problem.ts'
import { done } from '../ui/problems.ts'
import { Failure, Forbidden, NotFound } from '../ui/states.tsx'
import { bodyOf, CollectForm, localDay, type Values } from './form.tsx'
import { type Collect, collectQueries, organises } from './queries.ts'

const plain = (amount: string | null) => amount?.replace(/\.00$/, '').replace('.', ',') ?? ''

const valuesOf = (collect: Collect): Values => ({
  title: collect.title,
  occasion: collect.occasion,
  description: collect.description,
  target_amount: plain(collect.target_amount),
  max_amount: plain(collect.max_amount),
  ends_at: localDay(new Date(collect.ends_at)),
  cover: collect.cover,
})

export function EditCollect() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const { data: profile } = useProfile()
  const id = Number(useParams().id)
  const path = { id }
  const detail = useQuery(collectQueries.detail(id))
  const collect = detail.data

  const save = useMutation({
    mutationFn: async (values: Values) => {
      const { ends_at, ...rest } = bodyOf(values)
      // An untouched day keeps its hour, and that of an ended collect may lie in the past.
      const body = values.ends_at === localDay(new Date(collect!.ends_at)) ? rest : { ...rest, ends_at }
      await answer(
        api.PATCH('/api/collects/{id}', { params: { path }, body, ...withFile('cover', values.cover) }),
      ).catch(atPicture('cover'))
      if (values.cover === null && collect!.cover)
        await answer(api.DELETE('/api/collects/{id}/cover', { params: { path } }))
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['collects'] })
      // Back leads to where one came from, not into the form that is done.
      await navigate(`/collects/${id}`, { replace: true })
      done(t('shell.saved'))
    },
  })

  if (detail.error instanceof Problem && detail.error.status === 404) return <NotFound />
  if (detail.isError) return <Failure order={1} error={detail.error} retry={detail.refetch} />
  if (collect && !organises(profile, collect)) return <Forbidden />
  return (
    <Page title={t('collects.form.edit_title')} lead={collect?.title}>
      {collect ? (
        <CollectForm
          initial={valuesOf(collect)}
          action={t('collects.form.save')}
          busy={save.isPending}
          seed={id}
          shown={collect}
          onSend={save.mutateAsync}
        />
      ) : (
        <Skeleton height={640} radius="lg" />
      )}
    </Page>
  )
}
