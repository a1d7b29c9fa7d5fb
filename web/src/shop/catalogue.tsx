import { Button, Group, Skeleton, Title } from '@mantine/core'
import { IconReceipt, IconShoppingCart } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useFormat } from '../format.ts'
import { Page } from '../ui/page.tsx'
import { Pager } from '../ui/pager.tsx'
import { useQueryState } from '../ui/query-state.ts'
import { Empty, Failure } from '../ui/states.tsx'
import { ProductPicture } from './art.tsx'
import { Buy, Stock } from './buy.tsx'
import { useCart } from './cart.ts'
import { ProductFilters, useProductFilter } from './filters.tsx'
import { type Product, pageSize, shopQueries } from './queries.ts'
import classes from './shop.module.css'

export function Catalogue() {
  const { t } = useTranslation()
  const { set, clear } = useQueryState()
  const cart = useCart()
  const filter = useProductFilter()
  const { page, ordering: _, ...narrowing } = filter
  const products = useQuery(shopQueries.products({ ...filter, page_size: pageSize }))
  const narrowed = Object.values(narrowing).some((value) => value !== undefined)

  return (
    <Page
      title={t('shop.list.title')}
      lead={t('shop.list.lead')}
      actions={
        <Group gap="xs">
          <Button component={Link} to="/orders" variant="default" leftSection={<IconReceipt size={20} />}>
            {t('shop.my_orders')}
          </Button>
          <div className={cart.lines.length ? classes.wide : undefined}>
            <ToCart count={cart.lines.length} />
          </div>
        </Group>
      }
    >
      <ProductFilters />
      {products.isError && <Failure error={products.error} retry={products.refetch} />}
      {products.isPending && (
        <div className={classes.grid}>
          {['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => (
            <Skeleton key={key} height={360} radius="lg" />
          ))}
        </div>
      )}
      {products.data?.results.length === 0 &&
        (narrowed ? (
          <Empty title={t('shop.list.none')} action={<Button onClick={clear}>{t('shop.list.reset')}</Button>}>
            {t('shop.list.none_text')}
          </Empty>
        ) : (
          <Empty title={t('shop.list.empty')}>{t('shop.list.empty_text')}</Empty>
        ))}
      {products.data && products.data.results.length > 0 && (
        <div className={classes.grid} aria-busy={products.isPlaceholderData}>
          {products.data.results.map((product) => (
            <ProductCard key={product.id} product={product} />
          ))}
        </div>
      )}
      <Pager count={products.data?.count ?? 0} size={pageSize} page={page} onChange={(n) => set({ page: String(n) })} />
      {cart.lines.length > 0 && (
        <div className={classes.cartBar}>
          <ToCart count={cart.lines.length} />
        </div>
      )}
    </Page>
  )
}

/** `count` is that of different products. */
function ToCart({ count }: { count: number }) {
  const { t } = useTranslation()
  return (
    <Button component={Link} to="/shop/cart" leftSection={<IconShoppingCart size={20} />}>
      {count ? t('shop.to_cart', { count }) : t('shop.cart.title')}
    </Button>
  )
}

function ProductCard({ product }: { product: Product }) {
  const { t } = useTranslation()
  const { money } = useFormat()
  return (
    <article className={classes.card}>
      <Link to={`/shop/${product.id}`} className={classes.cardLink}>
        <div className={classes.art} data-none={product.stock === 0 || undefined}>
          <ProductPicture product={product} />
          <span className={classes.tag}>{t(`shop.category.${product.category}`)}</span>
        </div>
        <Title order={2} size="h3" lineClamp={2} className={classes.name}>
          {product.name}
        </Title>
      </Link>
      <div className={classes.cardEnd}>
        <div className={classes.priceLine}>
          <span className={classes.price}>{money(product.price)}</span>
          {product.stock > 0 && <Stock stock={product.stock} />}
        </div>
        <Buy product={product} />
      </div>
    </article>
  )
}
