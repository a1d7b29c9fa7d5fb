import { IconHeartHandshake, IconReceipt } from '@tabler/icons-react'
import type { WebModule } from '../module.ts'
import { Guard } from '../ui/guard.tsx'

export const collects: WebModule = {
  name: 'collects',
  links: [
    { to: '/collects', name: 'collects', icon: IconHeartHandshake, for: 'anyone', bar: 'collects' },
    { to: '/payments', name: 'payments', icon: IconReceipt, for: 'member' },
  ],
  adminLinks: [],
  routes: [
    { path: '/collects', lazy: async () => ({ Component: (await import('./list.tsx')).CollectList }) },
    { path: '/collects/:id', lazy: async () => ({ Component: (await import('./detail.tsx')).CollectDetail }) },
    {
      element: <Guard />,
      children: [
        { path: '/collects/new', lazy: async () => ({ Component: (await import('./new.tsx')).NewCollect }) },
        { path: '/collects/:id/edit', lazy: async () => ({ Component: (await import('./edit.tsx')).EditCollect }) },
        { path: '/payments', lazy: async () => ({ Component: (await import('./payments.tsx')).Payments }) },
      ],
    },
  ],
}
