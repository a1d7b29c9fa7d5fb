import { Button, Skeleton } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import classes from '../ui/list.module.css'
import { Page } from '../ui/page.tsx'
import { Pager } from '../ui/pager.tsx'
import { useQueryState } from '../ui/query-state.ts'
import { Empty, Failure } from '../ui/states.tsx'
import { CollectCard } from './card.tsx'
import { Filters } from './filters.tsx'
import { collectQueries, occasions, orderings, pageSize, statuses } from './queries.ts'

export function CollectList() {
  const { t } = useTranslation()
  const { page, get, oneOf, set, clear } = useQueryState()
  const occasion = oneOf('occasion', occasions)
  const status = get('status') === 'any' ? undefined : (oneOf('status', statuses) ?? 'active')
  const search = get('search') || undefined
  const ordering = oneOf('ordering', orderings)
  const list = useQuery(collectQueries.list({ page, occasion, status, search, ordering }))
  const narrowed = occasion !== undefined || search !== undefined || get('status') !== ''

  const open = (
    <Button component={Link} to="/collects/new" leftSection={<IconPlus size={20} />}>
      {t('collects.list.new')}
    </Button>
  )
  return (
    <Page title={t('collects.list.title')} lead={t('collects.list.lead')} actions={open}>
      <Filters />
      {list.isError && <Failure error={list.error} retry={list.refetch} />}
      {list.isPending && (
        <div className={classes.grid}>
          {['a', 'b', 'c', 'd', 'e', 'f'].map((key) => (
            <Skeleton key={key} height={390} radius="lg" />
          ))}
        </div>
      )}
      {list.data?.results.length === 0 &&
        (narrowed ? (
          <Empty title={t('collects.list.none')} action={<Button onClick={clear}>{t('collects.list.reset')}</Button>}>
            {t('collects.list.none_text')}
          </Empty>
        ) : (
          <Empty title={t('collects.list.empty')} action={open}>
            {t('collects.list.empty_text')}
          </Empty>
        ))}
      {list.data && list.data.results.length > 0 && (
        <div className={classes.grid} aria-busy={list.isPlaceholderData}>
          {list.data.results.map((collect) => (
            <CollectCard key={collect.id} collect={collect} seed={collect.id} to={`/collects/${collect.id}`} />
          ))}
        </div>
      )}
      <Pager count={list.data?.count ?? 0} size={pageSize} page={page} onChange={(n) => set({ page: String(n) })} />
    </Page>
  )
}
