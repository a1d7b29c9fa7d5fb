import { IconSend } from '@tabler/icons-react'
import type { WebModule } from '../module.ts'
import { Guard } from '../ui/guard.tsx'
import { readers, staff } from './staff.ts'

export const mailings: WebModule = {
  name: 'mailings',
  links: [],
  adminLinks: [{ to: '/admin/mailings', name: 'mailings', icon: IconSend, for: readers }],
  routes: [
    {
      element: <Guard roles={readers} />,
      children: [
        { path: '/admin/mailings', lazy: async () => ({ Component: (await import('./list.tsx')).MailingList }) },
        { path: '/admin/mailings/clients', lazy: async () => ({ Component: (await import('./clients.tsx')).Clients }) },
        { path: '/admin/mailings/stops', lazy: async () => ({ Component: (await import('./stops.tsx')).Stops }) },
        {
          path: '/admin/mailings/statistics',
          lazy: async () => ({ Component: (await import('./statistics.tsx')).Statistics }),
        },
        { path: '/admin/mailings/:id', lazy: async () => ({ Component: (await import('./mailing.tsx')).MailingPage }) },
      ],
    },
    {
      element: <Guard roles={staff} />,
      children: [
        { path: '/admin/mailings/new', lazy: async () => ({ Component: (await import('./composer.tsx')).Compose }) },
        {
          path: '/admin/mailings/:id/edit',
          lazy: async () => ({ Component: (await import('./composer.tsx')).EditMailing }),
        },
        {
          path: '/admin/mailings/clients/import',
          lazy: async () => ({ Component: (await import('./imports.tsx')).ImportClients }),
        },
        {
          path: '/admin/mailings/stops/import',
          lazy: async () => ({ Component: (await import('./imports.tsx')).ImportStops }),
        },
      ],
    },
  ],
}
