import { Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { plainAmount } from '../format.ts'
import list from '../ui/list.module.css'
import { useQueryState } from '../ui/query-state.ts'
import { SearchField } from '../ui/search-field.tsx'
import { categories, orderings, type ProductFilter } from './queries.ts'
import classes from './shop.module.css'

/** A price in the address that the server would take, or none. */
const priceOf = (text: string) => (/^\d{1,10}(\.\d{1,2})?$/.test(text) ? text : undefined)

/** What the address narrows the products to. */
export function useProductFilter(): Omit<ProductFilter, 'page_size'> {
  const { page, get, oneOf } = useQueryState()
  return {
    page,
    category: oneOf('category', categories),
    search: get('search').trim().slice(0, 200) || undefined,
    price_min: priceOf(get('price_min')),
    price_max: priceOf(get('price_max')),
    in_stock: get('in_stock') === 'true' || undefined,
    ordering: oneOf('ordering', orderings),
  }
}

/** What the products are narrowed to; it stands in the address. */
export function ProductFilters() {
  const { t } = useTranslation()
  const { get, set } = useQueryState()
  const { category, search, ordering, in_stock } = useProductFilter()
  const natural = search ? 'best' : '-created_at'
  const offered = search ? (['best', ...orderings] as const) : orderings
  return (
    <search className={classes.filters}>
      <SearchField
        className={classes.search}
        label={t('shop.list.search')}
        value={get('search')}
        onSearch={(text) => set({ search: text })}
      />
      <fieldset className={classes.prices} aria-label={t('shop.list.price')}>
        <PriceField name="price_min" label={t('shop.list.price_min')} />
        <span aria-hidden>–</span>
        <PriceField name="price_max" label={t('shop.list.price_max')} />
      </fieldset>
      <Select
        className={classes.select}
        aria-label={t('shop.list.ordering')}
        value={ordering ?? natural}
        onChange={(value) => set({ ordering: !value || value === natural ? '' : value })}
        data={offered.map((value) => ({ value, label: t(`shop.list.order.${value}`) }))}
      />
      <fieldset className={list.chips} aria-label={t('shop.list.category')}>
        <button
          type="button"
          className={list.chip}
          aria-pressed={in_stock === true}
          onClick={() => set({ in_stock: in_stock ? '' : 'true' })}
        >
          {t('shop.list.in_stock')}
        </button>
        <span className={classes.divider} aria-hidden />
        {[undefined, ...categories].map((value) => (
          <button
            key={value ?? 'any'}
            type="button"
            className={list.chip}
            aria-pressed={category === value}
            onClick={() => set({ category: value ?? '' })}
          >
            {value ? t(`shop.category.${value}`) : t('shop.list.any_category')}
          </button>
        ))}
      </fieldset>
    </search>
  )
}

function PriceField({ name, label }: { name: 'price_min' | 'price_max'; label: string }) {
  const { get, set } = useQueryState()
  const value = get(name)
  const [text, setText] = useState(value.replace('.', ','))
  const speak = useDebouncedCallback((typed: string) => set({ [name]: plainAmount(typed) }), 400)
  useEffect(() => {
    if (value === '') setText('')
  }, [value])
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      inputMode="decimal"
      autoComplete="off"
      error={text !== '' && priceOf(plainAmount(text)) === undefined}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value)
        speak(event.currentTarget.value)
      }}
    />
  )
}
