import { Button, Paper, Select, Skeleton, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { useFormat } from '../format.ts'
import list from '../ui/list.module.css'
import { Page } from '../ui/page.tsx'
import { Pager } from '../ui/pager.tsx'
import { useQueryState } from '../ui/query-state.ts'
import { SearchField } from '../ui/search-field.tsx'
import { Empty, Failure } from '../ui/states.tsx'
import { ProductPicture } from './art.tsx'
import { Stock } from './buy.tsx'
import { useProductFilter } from './filters.tsx'
import classes from './order.module.css'
import { categories, type Product, rowsPerPage, shopQueries } from './queries.ts'
import shop from './shop.module.css'
import staff from './staff.module.css'

/** What runs low, for whoever orders more of it. */
const lowStock = 5

/** The store room: what is on sale and how much of it there is. */
export function Stockroom() {
  const { t } = useTranslation()
  const { get, set, clear } = useQueryState()
  const { data: profile } = useProfile()
  const { page, search, category } = useProductFilter()
  const isLow = get('low') === 'true'
  const products = useQuery(
    shopQueries.products({ page, search, category, stock_max: isLow ? lowStock : undefined, page_size: rowsPerPage }),
  )
  const mayEdit = profile?.role === 'admin' || profile?.role === 'storekeeper'
  const count = products.data?.count
  const narrowed = search !== undefined || category !== undefined || isLow

  return (
    <Page
      title={t('shop.stockroom.title')}
      lead={typeof count === 'number' && !narrowed ? t('shop.stockroom.lead', { count }) : undefined}
      actions={
        mayEdit && (
          <Button component={Link} to="/admin/products/new" leftSection={<IconPlus size={20} />}>
            {t('shop.stockroom.new')}
          </Button>
        )
      }
    >
      <search className={shop.filters}>
        <SearchField
          className={shop.search}
          label={t('shop.list.search')}
          value={get('search')}
          onSearch={(text) => set({ search: text })}
        />
        <Select
          aria-label={t('shop.list.category')}
          value={category ?? ''}
          onChange={(value) => set({ category: value ?? '' })}
          data={[
            { value: '', label: t('shop.list.any_category') },
            ...categories.map((value) => ({ value, label: t(`shop.category.${value}`) })),
          ]}
        />
        <button
          type="button"
          className={list.chip}
          aria-pressed={isLow}
          onClick={() => set({ low: isLow ? '' : 'true' })}
        >
          {t('shop.stockroom.low')}
        </button>
      </search>
      {products.isPending && <Skeleton height={520} radius="lg" />}
      {products.isError && <Failure error={products.error} retry={products.refetch} />}
      {products.data?.results.length === 0 && (
        <Empty
          title={t(narrowed ? 'shop.list.none' : 'shop.list.empty')}
          action={narrowed && <Button onClick={clear}>{t('shop.list.reset')}</Button>}
        >
          {t(narrowed ? 'shop.list.none_text' : 'shop.stockroom.new_lead')}
        </Empty>
      )}
      {products.data && products.data.results.length > 0 && (
        <Paper withBorder component="ul" className={classes.list}>
          {products.data.results.map((product) => (
            <Row key={product.id} product={product} to={mayEdit ? '/admin/products' : '/shop'} />
          ))}
        </Paper>
      )}
      <Pager count={count ?? 0} size={rowsPerPage} page={page} onChange={(n) => set({ page: String(n) })} />
    </Page>
  )
}

function Row({ product, to }: { product: Product; to: string }) {
  const { t } = useTranslation()
  const { money } = useFormat()
  return (
    <li className={classes.row}>
      <div className={`${shop.thumb} ${staff.rowThumb}`} data-none={product.stock === 0 || undefined}>
        <ProductPicture product={product} />
      </div>
      <div className={classes.rowWords}>
        <Link to={`${to}/${product.id}`} className={`${classes.open} ${classes.whole}`}>
          {product.name}
        </Link>
        <Text size="sm" c="dimmed">
          {t(`shop.category.${product.category}`)}
        </Text>
      </div>
      <div className={classes.rowEnd}>
        <Stock stock={product.stock} />
        <span className={classes.rowSum}>{money(product.price)}</span>
      </div>
    </li>
  )
}
