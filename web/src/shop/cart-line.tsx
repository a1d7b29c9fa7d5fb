import { ActionIcon, Anchor, Button, Text } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useFormat } from '../format.ts'
import { Art, ProductPicture } from './art.tsx'
import { Stock } from './buy.tsx'
import type { Product } from './queries.ts'
import classes from './shop.module.css'
import { Stepper } from './stepper.tsx'
import { totalOf } from './sums.ts'

type Props = {
  id: number
  /** None when it is not sold any more. */
  product: Product | undefined
  quantity: number
  fault: string | undefined
  onChange: (quantity: number) => void
}

/** A line of the cart; what the server said about it stands in it. */
export function CartLine({ id, product, quantity, fault, onChange }: Props) {
  const { t } = useTranslation()
  const { money, number } = useFormat()
  const name = product?.name ?? t('shop.cart.gone', { id })
  const place = `fault-${id}`
  const words = fault || (product ? '' : t('shop.cart.gone_text'))
  return (
    <li className={classes.line}>
      <div className={classes.thumb} data-none={!product || product.stock === 0 || undefined}>
        {product ? <ProductPicture product={product} /> : <Art category="other" seed={id} />}
      </div>
      <div className={classes.words}>
        {product ? (
          <Anchor component={Link} to={`/shop/${id}`} fw={550} c="inherit" className={classes.lineName}>
            {name}
          </Anchor>
        ) : (
          <Text fw={550}>{name}</Text>
        )}
        {product && (
          <Text size="sm" c="dimmed">
            {money(product.price)} · <Stock stock={product.stock} />
          </Text>
        )}
      </div>
      <ActionIcon
        className={classes.remove}
        variant="subtle"
        color="gray"
        size={44}
        aria-label={t('shop.cart.remove', { name })}
        onClick={() => onChange(0)}
      >
        <IconTrash size={20} />
      </ActionIcon>
      {product && (
        <div className={classes.lineEnd}>
          <Stepper
            name={name}
            value={quantity}
            min={1}
            max={product.stock}
            fault={words ? place : undefined}
            onChange={onChange}
          />
          <span className={classes.lineSum}>{money(totalOf([{ price: product.price, quantity }]))}</span>
        </div>
      )}
      {words && (
        <div className={classes.fault} role="alert">
          <Text id={place} c="var(--mantine-color-error)" size="sm" fw={550}>
            {words}
          </Text>
          {product && product.stock > 0 && product.stock < quantity && (
            <Button variant="light" onClick={() => onChange(product.stock)}>
              {t('shop.cart.take', { stock: number(product.stock) })}
            </Button>
          )}
        </div>
      )}
    </li>
  )
}
