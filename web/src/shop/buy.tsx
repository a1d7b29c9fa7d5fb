import { Button, Text } from '@mantine/core'
import { IconShoppingCartPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useFormat } from '../format.ts'
import { useCart } from './cart.ts'
import type { Product } from './queries.ts'
import classes from './shop.module.css'
import { Stepper } from './stepper.tsx'

/** How many are left, in words. */
export function Stock({ stock }: { stock: number }) {
  const { t } = useTranslation()
  const { number } = useFormat()
  const few = stock > 0 && stock <= 5
  return (
    <Text span size="sm" className={classes.stock} data-none={stock === 0 || undefined} data-few={few || undefined}>
      {stock === 0 ? t('shop.sold_out') : t(few ? 'shop.few' : 'shop.left', { stock: number(stock) })}
    </Text>
  )
}

/** Puts a product into the cart; one that is there shows how many. */
export function Buy({ product, size = 'md' }: { product: Product; size?: 'md' | 'lg' }) {
  const { t } = useTranslation()
  const cart = useCart()
  const [pressed, setPressed] = useState(false)
  const quantity = cart.quantityOf(product.id)
  if (quantity > 0)
    return (
      <Stepper
        name={product.name}
        value={quantity}
        min={0}
        max={product.stock}
        autoFocus={pressed}
        onChange={(count) => cart.put(product.id, Math.min(count, product.stock))}
      />
    )
  return (
    <Button
      size={size}
      fullWidth
      variant={size === 'lg' ? 'filled' : 'light'}
      leftSection={<IconShoppingCartPlus size={20} />}
      disabled={product.stock === 0 || cart.isFull}
      aria-label={product.stock === 0 ? undefined : t('shop.add_named', { name: product.name })}
      onClick={() => {
        setPressed(true)
        cart.put(product.id, 1)
      }}
    >
      {product.stock === 0 ? t('shop.sold_out') : t('shop.add')}
    </Button>
  )
}
