import { notifications } from '@mantine/notifications'
import i18next from 'i18next'
import { createElement } from 'react'
import { isAway, Problem } from '../api.ts'
import { Undo } from './undo.tsx'

type Form = {
  getValues: () => object
  setErrors: (errors: Record<string, string>) => void
  getInputNode: (path: string) => HTMLElement | null
}

const has = (values: object, path: string[]): boolean => {
  const [first = '', ...rest] = path
  const value = (values as Record<string, unknown>)[first]
  return first in values && (rest.length === 0 || (typeof value === 'object' && value !== null && has(value, rest)))
}

/** Tells a person what went wrong: at the form's fields where the server named them, else in a notice. */
export function tell(error: unknown, form?: Form): void {
  const problem = error instanceof Problem ? error : new Problem(-1)
  const atFields: Record<string, string> = {}
  const elsewhere: string[] = []
  for (const { path, message } of problem.faults) {
    const names = path.split('/').slice(1)
    if (form && has(form.getValues(), names)) atFields[names.join('.')] = message
    else elsewhere.push(message)
  }
  form?.setErrors(atFields)
  form?.getInputNode(Object.keys(atFields)[0] ?? '')?.focus()
  if (problem.faults.length && !elsewhere.length) return
  const words = elsewhere.join(' ') || problem.message
  // By it an administrator finds what broke; an expected refusal needs no number.
  const isFault = problem.status < 0 || problem.status >= 500
  const id = problem.instance && isFault ? `\n${i18next.t('shell.failure.request', { id: problem.instance })}` : ''
  const fallback = i18next.t(isAway(problem) ? 'shell.failure.away' : 'shell.failure.other')
  const said = (words || fallback) + id
  notifications.hide(said)
  notifications.show({
    id: said,
    color: 'red',
    message: said,
    style: { whiteSpace: 'pre-line' },
    closeButtonProps: { 'aria-label': i18next.t('shell.close') },
  })
}

/** A short word that something is done; with `undo` it can be taken back from there. */
export function done(message: string, undo?: () => void): void {
  const onUndo = () => {
    notifications.hide(message)
    undo?.()
  }
  const words = undo ? createElement(Undo, { message, onUndo }) : message
  // The same again takes the place of what is still there.
  notifications.hide(message)
  notifications.show({ id: message, message: words, closeButtonProps: { 'aria-label': i18next.t('shell.close') } })
}
