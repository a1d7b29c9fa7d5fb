import { IconHome } from '@tabler/icons-react'
import { Navigate } from 'react-router'
import type { Role, WebModule } from '../module.ts'
import { Guard } from '../ui/guard.tsx'

/** Those who read every house look at flats among the pages of the administrator. */
const residents: Role[] = ['user', 'operator', 'storekeeper']

export const housing: WebModule = {
  name: 'housing',
  links: [{ to: '/flat', name: 'flat', icon: IconHome, for: residents }],
  adminLinks: [],
  routes: [
    {
      element: <Guard />,
      children: [
        { path: '/join', lazy: async () => ({ Component: (await import('./join.tsx')).JoinPage }) },
        { path: '/bills/:id', lazy: async () => ({ Component: (await import('./bill.tsx')).BillPage }) },
        { path: '/flat', lazy: async () => ({ Component: (await import('./my-flats.tsx')).MyFlats }) },
        {
          path: '/flat/:id',
          lazy: async () => ({ Component: (await import('./flat.tsx')).FlatPage }),
          children: [
            { index: true, element: <Navigate to="readings" replace /> },
            {
              path: 'readings',
              lazy: async () => ({ Component: (await import('./flat-readings.tsx')).FlatReadings }),
            },
            { path: 'bills', lazy: async () => ({ Component: (await import('./flat-bills.tsx')).FlatBills }) },
            { path: 'account', lazy: async () => ({ Component: (await import('./statement.tsx')).FlatAccount }) },
            { path: 'water', lazy: async () => ({ Component: (await import('./water.tsx')).FlatWater }) },
          ],
        },
      ],
    },
  ],
}
