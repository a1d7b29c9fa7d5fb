import { Anchor, Button, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconArrowLeft, IconPencil } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { Problem } from '../api.ts'
import { useFormat } from '../format.ts'
import { Linked } from '../ui/linked.tsx'
import { TabTitle } from '../ui/page.tsx'
import { Failure, NotFound } from '../ui/states.tsx'
import { ProductPicture } from './art.tsx'
import { Buy, Stock } from './buy.tsx'
import { useCart } from './cart.ts'
import { shopQueries } from './queries.ts'
import classes from './shop.module.css'

export function ProductPage() {
  const { t } = useTranslation()
  const { money } = useFormat()
  const { data: profile } = useProfile()
  const cart = useCart()
  const [chosen, setChosen] = useState<number>()
  const id = Number(useParams().id)
  const detail = useQuery(shopQueries.product(id))
  if (detail.error instanceof Problem && detail.error.status === 404) return <NotFound />
  if (detail.isError && !detail.data) return <Failure order={1} error={detail.error} retry={detail.refetch} />
  const product = detail.data
  if (!product) return <Skeleton height={480} radius="lg" />
  const mayEdit = profile?.role === 'admin' || profile?.role === 'storekeeper'
  const shown = product.pictures.find((picture) => picture.id === chosen) ?? product.pictures[0]

  return (
    <Stack gap="md">
      <TabTitle title={product.name} />
      <Group justify="space-between">
        <Back to="/shop">{t('shop.product.back')}</Back>
        {mayEdit && (
          <Button component={Link} to={`/admin/products/${id}`} variant="subtle" leftSection={<IconPencil size={20} />}>
            {t('shop.product.edit')}
          </Button>
        )}
      </Group>
      <article className={classes.product}>
        <div className={classes.gallery}>
          <div className={classes.productArt} data-none={product.stock === 0 || undefined}>
            {shown ? <img src={shown.url} alt={product.name} /> : <ProductPicture product={product} />}
          </div>
          {product.pictures.length > 1 && (
            <fieldset className={classes.thumbs} aria-label={t('shop.product.pictures')}>
              {product.pictures.map(({ id: picture, url }, i) => (
                <button
                  key={picture}
                  type="button"
                  aria-pressed={shown?.id === picture}
                  aria-label={t('shop.product.picture', { number: i + 1 })}
                  onClick={() => setChosen(picture)}
                >
                  <img src={url} alt="" loading="lazy" />
                </button>
              ))}
            </fieldset>
          )}
        </div>
        <Stack gap="lg">
          <Stack gap={8}>
            <Text fw={600} className={classes.kind}>
              {t(`shop.category.${product.category}`)}
            </Text>
            <Title order={1} className={classes.name}>
              {product.name}
            </Title>
          </Stack>
          <Paper withBorder p={{ base: 'md', sm: 'lg' }}>
            <Stack gap="md">
              <div className={classes.priceLine}>
                <span className={classes.bigPrice}>{money(product.price)}</span>
                {product.stock > 0 && <Stock stock={product.stock} />}
              </div>
              <Buy product={product} size="lg" />
              {cart.quantityOf(id) > 0 && (
                <Button component={Link} to="/shop/cart" size="lg">
                  {t('shop.to_cart', { count: cart.lines.length })}
                </Button>
              )}
            </Stack>
          </Paper>
          {product.description && (
            <Text className={classes.description}>
              <Linked text={product.description} />
            </Text>
          )}
        </Stack>
      </article>
    </Stack>
  )
}

export function Back({ to, children }: { to: string; children: string }) {
  return (
    <Anchor component={Link} to={to} c="dimmed">
      <Group gap={6} mih={44}>
        <IconArrowLeft size={20} aria-hidden />
        {children}
      </Group>
    </Anchor>
  )
}
