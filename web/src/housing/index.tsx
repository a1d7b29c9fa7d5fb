import { IconBuildingCommunity, IconFileInvoice, IconReceipt2 } from '@tabler/icons-react'
import { Navigate } from 'react-router'
import type { Role, WebModule } from '../module.ts'
import { Guard } from '../ui/guard.tsx'

/** Those who read every house look at flats among the pages of the administrator. */
const residents: Role[] = ['user', 'operator', 'storekeeper']
const readers: Role[] = ['admin', 'bookkeeper', 'auditor']

export const housing: WebModule = {
  name: 'housing',
  links: [
    { to: '/flat', name: 'flat', icon: IconFileInvoice, for: residents, bar: 'bills', under: ['/bills', '/join'] },
  ],
  adminLinks: [
    { to: '/admin/houses', name: 'houses', icon: IconBuildingCommunity, for: readers },
    { to: '/admin/tariffs', name: 'tariffs', icon: IconReceipt2, for: readers },
  ],
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
    {
      element: <Guard roles={readers} />,
      children: [
        { path: '/admin/houses', lazy: async () => ({ Component: (await import('./houses.tsx')).Houses }) },
        { path: '/admin/houses/month', lazy: async () => ({ Component: (await import('./town.tsx')).TownRun }) },
        { path: '/admin/tariffs', lazy: async () => ({ Component: (await import('./tariffs.tsx')).Tariffs }) },
        { path: '/admin/flats/:id', lazy: async () => ({ Component: (await import('./staff-flat.tsx')).StaffFlat }) },
        {
          path: '/admin/houses/:id',
          lazy: async () => ({ Component: (await import('./house.tsx')).HousePage }),
          children: [
            { index: true, element: <Navigate to="flats" replace /> },
            { path: 'flats', lazy: async () => ({ Component: (await import('./house-flats.tsx')).HouseFlats }) },
            { path: 'readings', lazy: async () => ({ Component: (await import('./readings-grid.tsx')).ReadingsGrid }) },
            { path: 'run', lazy: async () => ({ Component: (await import('./run.tsx')).MonthlyRun }) },
            { path: 'debtors', lazy: async () => ({ Component: (await import('./debtors.tsx')).Debtors }) },
            {
              lazy: async () => ({ Component: (await import('./house.tsx')).WritersOnly }),
              children: [
                { path: 'import', lazy: async () => ({ Component: (await import('./import.tsx')).ImportHouse }) },
                {
                  path: 'settings',
                  lazy: async () => ({ Component: (await import('./house-settings.tsx')).HouseSettings }),
                },
              ],
            },
          ],
        },
      ],
    },
  ],
}
