import { useSyncExternalStore } from 'react'

/** `away`: the server did not answer when we asked who we are. */
type State = 'starting' | 'visitor' | 'member' | 'away'
type Tokens = { access: string }

// In memory only: what a script of another origin or the disk can't reach. The cookie that renews it is HttpOnly.
let access: string | undefined
let state: State = 'starting'
let refreshing: Promise<boolean> | undefined

const listeners = new Set<() => void>()
// An old browser has none: its tabs learn of each other at their next request.
const otherTabs = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('dvor-session')

let forget = (_isShown: boolean) => {}

/**
 * Names what to do when nobody is signed in any more, or somebody else: what was told to one is not for the next. It hears
 * whether any of that is shown, or only kept since an earlier visit.
 */
export function onOtherPerson(callback: (isShown: boolean) => void): void {
  forget = callback
}

function become(next: State, token?: string) {
  const left = state === 'member' && next !== 'member'
  // Whoever was here before this page was opened.
  const isGone = state !== 'visitor' && next === 'visitor'
  access = token
  state = next
  for (const listener of listeners) listener()
  if (left || isGone) forget(left)
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
const current = () => state

/** Asks that login, refresh and verify keep the refresh token in a cookie. */
export const cookieMode = { 'X-Dvor-Session': 'cookie' } as const

export const accessToken = () => access
export const useSession = () => useSyncExternalStore(subscribe, current)

export function beginSession(tokens: Tokens): void {
  if (state !== 'member') forget(false)
  become('member', tokens.access)
  otherTabs?.postMessage('begun')
}

export function endSession(): void {
  become('visitor')
  otherTabs?.postMessage('ended')
}

let ask: (() => Promise<boolean>) | undefined
let asking: Promise<boolean> | undefined

/** Names how a person is asked to sign in again; returns how to forget that. */
export function onLoginAgain(question: () => Promise<boolean>): () => void {
  ask = question
  return () => {
    ask = undefined
  }
}

/** Asks the person to sign in again; true when they did. Calls that come together ask once. */
export function loginAgain(): Promise<boolean> {
  asking ??= (ask?.() ?? Promise.resolve(false)).finally(() => {
    asking = undefined
  })
  return asking
}

/** Renews the access token by the cookie; true when there is one. Calls that come together share one request. */
export function refreshSession(): Promise<boolean> {
  refreshing ??= refreshInTurn().finally(() => {
    refreshing = undefined
  })
  return refreshing
}

// Tabs share the cookie, and each refresh token serves once: they take turns.
function refreshInTurn(): Promise<boolean> {
  return navigator.locks ? navigator.locks.request('dvor-refresh', refresh) : refresh()
}

async function refresh(): Promise<boolean> {
  try {
    const response = await fetch('/api/auth/refresh', {
      method: 'POST',
      headers: { ...cookieMode, 'content-type': 'application/json' },
      body: '{}',
    })
    if (response.ok) become('member', ((await response.json()) as Tokens).access)
    else if (response.status >= 500 || response.status === 429) become(state === 'starting' ? 'away' : state, access)
    // Whoever was here is asked to sign in where they are; only if they will not, nobody is.
    else if (state !== 'member' || !ask) become('visitor')
    // What nobody reads would hold the connection.
    if (!response.ok) void response.body?.cancel()
    return response.ok
  } catch {
    become(state === 'starting' ? 'away' : state, access)
    return false
  }
}

otherTabs?.addEventListener('message', (event) => {
  if (event.data === 'ended') become('visitor')
  else void refreshSession().then(() => forget(true))
})
