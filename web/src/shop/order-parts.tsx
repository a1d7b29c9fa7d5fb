import { IconCheck, IconHome, IconPackage, IconReceipt, IconTruckDelivery, IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import classes from './order.module.css'
import type { Status } from './queries.ts'

export function StatusChip({ status }: { status: Status }) {
  const { t } = useTranslation()
  return (
    <span className={classes.chip} data-status={status}>
      {t(`shop.status.${status}`)}
    </span>
  )
}

const way = [
  ['pending', IconReceipt],
  ['processing', IconPackage],
  ['shipped', IconTruckDelivery],
  ['delivered', IconHome],
] as const

/** Where an order stands on its way; a cancelled one has left it. */
export function StatusLine({ status }: { status: Status }) {
  const { t } = useTranslation()
  if (status === 'cancelled')
    return (
      <div className={classes.cancelled}>
        <IconX size={24} aria-hidden />
        <div>
          <strong>{t('shop.status.cancelled')}</strong>
          <br />
          {t('shop.order.cancelled_text')}
        </div>
      </div>
    )
  const reached = way.findIndex(([step]) => step === status)
  return (
    <ol className={classes.way} aria-label={t('shop.order.progress')}>
      {way.map(([step, Icon], i) => (
        <li
          key={step}
          className={classes.step}
          data-reached={i <= reached || undefined}
          aria-current={i === reached ? 'step' : undefined}
        >
          <span className={classes.mark}>
            {i < reached ? <IconCheck size={22} aria-hidden /> : <Icon size={22} aria-hidden />}
          </span>
          {t(`shop.status.${step}`)}
        </li>
      ))}
    </ol>
  )
}
