import { createBrowserRouter } from 'react-router'
import { accounts } from './accounts/index.tsx'
import { collects } from './collects/index.tsx'
import { housing } from './housing/index.tsx'
import { mailings } from './mailings/index.tsx'
import type { WebModule } from './module.ts'
import { platform } from './platform/index.tsx'
import { Shell } from './shell.tsx'
import { shop } from './shop/index.tsx'
import { Broken, Crashed, NotFound, Waiting } from './ui/states.tsx'

/** The only place that knows all of them. */
const modules: WebModule[] = [collects, housing, mailings, shop, accounts, platform]

export const router = createBrowserRouter([
  {
    element: <Shell modules={modules} />,
    errorElement: <Crashed />,
    hydrateFallbackElement: <Waiting />,
    children: [
      {
        // What fails to load leaves the bars where they are.
        errorElement: <Broken />,
        children: [
          { path: '/', lazy: async () => ({ Component: (await import('./platform/home.tsx')).Home }) },
          ...modules.flatMap((module) => module.routes),
          { path: '*', element: <NotFound /> },
        ],
      },
    ],
  },
])
