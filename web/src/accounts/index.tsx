import { IconUsers } from '@tabler/icons-react'
import type { WebModule } from '../module.ts'
import { Guard } from '../ui/guard.tsx'

export const accounts: WebModule = {
  name: 'accounts',
  links: [],
  adminLinks: [{ to: '/admin/users', name: 'users', icon: IconUsers, for: ['admin', 'auditor'] }],
  routes: [
    { path: '/sign-in', lazy: async () => ({ Component: (await import('./sign-in.tsx')).SignIn }) },
    { path: '/register', lazy: async () => ({ Component: (await import('./register.tsx')).Register }) },
    {
      path: '/forgot-password',
      lazy: async () => ({ Component: (await import('./forgot-password.tsx')).ForgotPassword }),
    },
    {
      path: '/reset-password',
      lazy: async () => ({ Component: (await import('./reset-password.tsx')).ResetPassword }),
    },
    { path: '/confirm-email', lazy: async () => ({ Component: (await import('./confirm-email.tsx')).ConfirmEmail }) },
    {
      element: <Guard />,
      children: [{ path: '/profile', lazy: async () => ({ Component: (await import('./profile.tsx')).ProfilePage }) }],
    },
    {
      element: <Guard roles={['admin', 'auditor']} />,
      children: [{ path: '/admin/users', lazy: async () => ({ Component: (await import('./users.tsx')).Users }) }],
    },
  ],
}
