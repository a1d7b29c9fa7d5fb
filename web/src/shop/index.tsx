import { IconBuildingStore, IconPackage, IconReceipt, IconTruckDelivery } from '@tabler/icons-react'
import type { Role, WebModule } from '../module.ts'
import { Guard } from '../ui/guard.tsx'
import { useCartBadge } from './cart.ts'

const staff: Role[] = ['admin', 'storekeeper']
const readers: Role[] = [...staff, 'auditor']

export const shop: WebModule = {
  name: 'shop',
  links: [
    {
      to: '/shop',
      name: 'shop',
      icon: IconBuildingStore,
      for: 'member',
      bar: 'shop',
      under: ['/orders'],
      useBadge: useCartBadge,
    },
    { to: '/orders', name: 'my_orders', icon: IconReceipt, for: 'member' },
  ],
  adminLinks: [
    { to: '/admin/orders', name: 'orders', icon: IconTruckDelivery, for: readers },
    { to: '/admin/products', name: 'products', icon: IconPackage, for: readers },
  ],
  routes: [
    {
      element: <Guard />,
      children: [
        { path: '/shop', lazy: async () => ({ Component: (await import('./catalogue.tsx')).Catalogue }) },
        { path: '/shop/cart', lazy: async () => ({ Component: (await import('./cart-page.tsx')).CartPage }) },
        { path: '/shop/:id', lazy: async () => ({ Component: (await import('./product.tsx')).ProductPage }) },
        { path: '/orders', lazy: async () => ({ Component: (await import('./orders.tsx')).MyOrders }) },
        { path: '/orders/:id', lazy: async () => ({ Component: (await import('./order.tsx')).OrderPage }) },
      ],
    },
    {
      element: <Guard roles={readers} />,
      children: [
        { path: '/admin/orders', lazy: async () => ({ Component: (await import('./all-orders.tsx')).AllOrders }) },
        { path: '/admin/products', lazy: async () => ({ Component: (await import('./products.tsx')).Stockroom }) },
      ],
    },
    {
      element: <Guard roles={staff} />,
      children: [
        {
          path: '/admin/products/new',
          lazy: async () => ({ Component: (await import('./product-new.tsx')).NewProduct }),
        },
        {
          path: '/admin/products/:id',
          lazy: async () => ({ Component: (await import('./product-edit.tsx')).EditProduct }),
        },
      ],
    },
  ],
}
