import { IconBuildingCommunity, IconMail, IconSubtask } from '@tabler/icons-react'
import type { WebModule } from '../module.ts'
import { Guard } from '../ui/guard.tsx'

export const platform: WebModule = {
  name: 'platform',
  links: [],
  adminLinks: [
    { to: '/admin/outbox', name: 'outbox', icon: IconMail, for: ['admin', 'auditor'] },
    { to: '/admin/jobs', name: 'jobs', icon: IconSubtask, for: ['admin', 'auditor'] },
    { to: '/admin/organisation', name: 'organisation', icon: IconBuildingCommunity, for: ['admin', 'auditor'] },
  ],
  routes: [
    { path: '/admin', lazy: async () => ({ Component: (await import('./more.tsx')).Admin }) },
    { path: '/more', lazy: async () => ({ Component: (await import('./more.tsx')).More }) },
    {
      element: <Guard />,
      children: [
        {
          path: '/notifications',
          lazy: async () => ({ Component: (await import('./notifications.tsx')).Notifications }),
        },
      ],
    },
    {
      element: <Guard roles={['admin', 'auditor']} />,
      children: [
        { path: '/admin/outbox', lazy: async () => ({ Component: (await import('./outbox.tsx')).Outbox }) },
        { path: '/admin/outbox/:id', lazy: async () => ({ Component: (await import('./letter.tsx')).Letter }) },
        { path: '/admin/jobs', lazy: async () => ({ Component: (await import('./jobs.tsx')).Jobs }) },
        {
          path: '/admin/organisation',
          lazy: async () => ({ Component: (await import('./organisation.tsx')).Organisation }),
        },
      ],
    },
  ],
}
