import 'virtual:golos-text.css'
import 'virtual:mantine.css'
import './style.css'
import { MantineProvider } from '@mantine/core'
import { useNotifications } from '@mantine/notifications'
import { QueryClientProvider } from '@tanstack/react-query'
import { lazy, StrictMode, Suspense, useLayoutEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { RouterProvider } from 'react-router/dom'
import './i18n.ts'
import { router } from './app.tsx'
import { forgetAnswers, install } from './installed.ts'
import { queries } from './queries.ts'
import { onOtherPerson, refreshSession } from './session.ts'
import { theme, variables } from './theme.ts'

onOtherPerson((isShown) => {
  void forgetAnswers()
  if (isShown) void queries.resetQueries()
})
void refreshSession()

// Loaded with the first notice, which waits in its store meanwhile.
const Notices = lazy(async () => ({ default: (await import('./ui/notices.tsx')).Notices }))
function FirstNotice() {
  const { notifications } = useNotifications()
  const [wanted, want] = useState(false)
  if (notifications.length && !wanted) want(true)
  return wanted && <Notices />
}

/** Takes away what index.html has painted, in the moment that the first screen stands. */
function Arrived() {
  useLayoutEffect(() => document.getElementById('paint')?.remove(), [])
  return null
}

const root = createRoot(document.getElementById('root')!)
const draw = () =>
  root.render(
    <StrictMode>
      <Arrived />
      <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
        <Suspense>
          <FirstNotice />
        </Suspense>
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )

// Until the code of the first screen is there, what index.html has painted stays.
if (router.state.initialized) draw()
else {
  const off = router.subscribe(({ initialized }) => {
    if (!initialized) return
    off()
    draw()
  })
}

// The load may be over: this file waits for words.
if (document.readyState === 'complete') void install()
else addEventListener('load', () => void install())
