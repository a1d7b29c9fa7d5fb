import { notifications } from '@mantine/notifications'
import i18next from 'i18next'

/** Has the service worker forget what it keeps of whoever was signed in. */
export async function forgetAnswers(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  navigator.serviceWorker.controller?.postMessage('forget')
  await caches.delete('answers-personal')
}

function offer(waiting: ServiceWorker): void {
  notifications.show({
    id: 'new-version',
    autoClose: false,
    title: i18next.t('shell.new_version.title'),
    message: i18next.t('shell.new_version.text'),
    closeButtonProps: { 'aria-label': i18next.t('shell.close') },
    onClick: () => waiting.postMessage('take over'),
    style: { cursor: 'pointer' },
  })
}

/** Starts the service worker once the first screen stands; a new version of the app waits until the person takes it. */
export async function install(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  const hadOne = navigator.serviceWorker.controller !== null
  // A browser may forbid it; the app does without.
  const registration: ServiceWorkerRegistration | undefined = await navigator.serviceWorker
    .register('/sw.js')
    .catch(() => undefined)
  if (!registration) return
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if (hadOne) location.reload()
  })
  if (registration.waiting && hadOne) offer(registration.waiting)
  registration.addEventListener('updatefound', () => {
    const found = registration.installing
    found?.addEventListener('statechange', () => {
      if (found.state === 'installed' && navigator.serviceWorker.controller) offer(found)
    })
  })
}
