import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { answer, api } from '../api.ts'
import { keptInTab } from '../ui/kept.ts'
import { useOnce } from '../ui/once.ts'
import { Page } from '../ui/page.tsx'
import { atPicture, withFile } from '../ui/picture-problem.ts'
import { done } from '../ui/problems.ts'
import { bodyOf, CollectForm, localDay, type Values } from './form.tsx'

const draftKey = 'dvor-new-collect'
const monthMs = 30 * 86_400_000

/** What was typed before a reload or a login; a picture can't be kept. */
function begin(): Values {
  const empty: Values = {
    title: '',
    occasion: 'yard',
    description: '',
    target_amount: '',
    max_amount: '',
    ends_at: localDay(new Date(Date.now() + monthMs)),
    cover: null,
  }
  try {
    return { ...empty, ...(JSON.parse(keptInTab.get(draftKey) ?? '{}') as Partial<Values>) }
  } catch {
    return empty
  }
}

export function NewCollect() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const once = useOnce()
  const create = useMutation({
    mutationFn: (values: Values) => {
      const body = bodyOf(values)
      const { cover } = values
      const headers = once.keyFor([body, cover instanceof File && [cover.name, cover.size, cover.lastModified]])
      return answer(api.POST('/api/collects', { body, headers, ...withFile('cover', cover) })).catch(atPicture('cover'))
    },
    onSuccess: async (collect) => {
      once.finish()
      keptInTab.set(draftKey, null)
      await queries.invalidateQueries({ queryKey: ['collects', 'list'] })
      await navigate(`/collects/${collect.id}`, { replace: true })
      done(t('collects.form.created'))
    },
  })
  return (
    <Page title={t('collects.form.new_title')} lead={t('collects.form.new_lead')}>
      <CollectForm
        initial={begin()}
        action={t('collects.form.create')}
        busy={create.isPending}
        seed={1}
        onSend={create.mutateAsync}
        onChange={({ cover: _, ...draft }) => keptInTab.set(draftKey, JSON.stringify(draft))}
      />
    </Page>
  )
}
