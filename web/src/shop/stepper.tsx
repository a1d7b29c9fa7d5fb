import { ActionIcon } from '@mantine/core'
import { IconMinus, IconPlus } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { maxQuantity } from './cart.ts'
import classes from './shop.module.css'

type Props = {
  name: string
  value: number
  min: 0 | 1
  /** More than this is not to be had; what is already wanted beyond it stays until it is changed. */
  max: number
  fault?: string
  autoFocus?: boolean
  onChange: (quantity: number) => void
}

/** How many: less, a number to type, more. */
export function Stepper({ name, value, min, max, fault, autoFocus, onChange }: Props) {
  const { t } = useTranslation()
  const [text, setText] = useState(String(value))
  useEffect(() => setText(String(value)), [value])
  const typed = (next: string) => {
    const digits = next.replace(/\D/g, '').slice(0, 7)
    setText(digits)
    const count = Math.min(Number(digits), maxQuantity)
    if (count > 0 && count !== value) onChange(count)
  }
  return (
    <fieldset className={classes.stepper} aria-label={t('shop.stepper.label', { name })}>
      <ActionIcon
        variant="subtle"
        size={44}
        aria-label={t('shop.stepper.less')}
        disabled={value <= min}
        onClick={() => onChange(Math.min(value - 1, Math.max(max, min)))}
      >
        <IconMinus size={20} />
      </ActionIcon>
      <input
        className={classes.count}
        inputMode="numeric"
        autoComplete="off"
        aria-label={t('shop.stepper.quantity', { name })}
        aria-invalid={fault ? true : undefined}
        aria-describedby={fault}
        value={text}
        onChange={(event) => typed(event.currentTarget.value)}
        onBlur={() => setText(String(value))}
      />
      <ActionIcon
        variant="subtle"
        size={44}
        aria-label={t('shop.stepper.more')}
        disabled={value >= Math.min(max, maxQuantity)}
        autoFocus={autoFocus}
        onClick={() => onChange(value + 1)}
      >
        <IconPlus size={20} />
      </ActionIcon>
    </fieldset>
  )
}
