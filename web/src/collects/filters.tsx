import { NativeSelect } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import classes from '../ui/list.module.css'
import { useQueryState } from '../ui/query-state.ts'
import { SearchField } from '../ui/search-field.tsx'
import { occasions, orderings, statuses } from './queries.ts'

/** What the list is narrowed to; it stands in the address. */
export function Filters() {
  const { t } = useTranslation()
  const { get, oneOf, set } = useQueryState()
  const occasion = oneOf('occasion', occasions)
  const status = get('status') === 'any' ? 'any' : (oneOf('status', statuses) ?? 'active')

  return (
    <search className={classes.filters}>
      <SearchField
        className={classes.search}
        label={t('collects.list.search')}
        value={get('search')}
        onSearch={(text) => set({ search: text })}
      />
      <NativeSelect
        className={classes.select}
        aria-label={t('collects.list.status')}
        value={status}
        onChange={({ currentTarget: { value } }) => set({ status: value === 'active' ? '' : value })}
        data={[
          ...statuses.map((value) => ({ value, label: t(`collects.list.${value}`) })),
          { value: 'any', label: t('collects.list.any_status') },
        ]}
      />
      <NativeSelect
        className={classes.select}
        aria-label={t('collects.list.ordering')}
        value={oneOf('ordering', orderings) ?? '-created_at'}
        onChange={({ currentTarget: { value } }) => set({ ordering: value === '-created_at' ? '' : value })}
        data={orderings.map((value) => ({ value, label: t(`collects.list.order.${value}`) }))}
      />
      <fieldset className={classes.chips} aria-label={t('collects.list.occasion')}>
        {[undefined, ...occasions].map((value) => (
          <button
            key={value ?? 'any'}
            type="button"
            className={classes.chip}
            aria-pressed={occasion === value}
            onClick={() => set({ occasion: value ?? '' })}
          >
            {value ? t(`collects.occasion.${value}`) : t('collects.list.any_occasion')}
          </button>
        ))}
      </fieldset>
    </search>
  )
}
