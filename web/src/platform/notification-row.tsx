import { Link } from 'react-router'
import { useFormat } from '../format.ts'
import classes from './home.module.css'
import type { Notification } from './queries.ts'

/** One thing that a person was told, leading to what it is about. */
export function NotificationRow({ told }: { told: Notification }) {
  const { ago } = useFormat()
  return (
    <li className={classes.row} data-unread={told.read_at === null || undefined}>
      <Link to={told.path}>{told.text}</Link>
      <span className={classes.when}>{ago(told.created_at)}</span>
    </li>
  )
}
