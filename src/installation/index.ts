/*
 * installation: what an installation says of itself: its organisation, jobs, letters, health; how long it keeps what.
 *
 *   URL                               function              tables          jobs
 *   GET    /health/live               live
 *   GET    /health/ready              ready
 *   GET    /metrics                   registry.metrics
 *   GET    /api/organisation          getOrganisation       installation
 *   PATCH  /api/organisation          changeOrganisation    installation
 *   GET    /api/admin/jobs            jobs.failed           pgboss.job
 *   POST   /api/admin/jobs/retry      retryJobs             pgboss.job
 *   POST   /api/admin/jobs/:id/retry  retryJob              pgboss.job
 *   GET    /api/home                  readHome              notifications, and what the modules read
 *   GET    /api/notifications         listNotifications     notifications
 *   POST   /api/notifications/read    readNotifications     notifications
 *   GET    /api/profile/letters       listLetterKinds       muted_letters
 *   PATCH  /api/profile/letters       chooseLetters         muted_letters
 *   GET    /api/outbox                listOutbox            outbox
 *   GET    /api/outbox/:id            getOutboxLetter       outbox
 */

import { messages } from '../platform/messages.ts'
import type { Module } from '../platform/module.ts'
import { healthRoutes } from './health.ts'
import { homeRoutes } from './home.ts'
import { jobsRoutes } from './jobs-routes.ts'
import { notificationRoutes } from './notifications.ts'
import { organisationRoutes } from './organisation.ts'
import { outboxRoutes } from './outbox.ts'
import { keepLimits } from './retention.ts'

export type { Requisites } from './organisation.ts'

/** The module that every installation runs; its tables and words are the platform's. */
export const installation: Module = {
  name: 'installation',
  messages,
  roles: ['user', 'admin', 'auditor'],
  outboxKinds: ['email'],
  routes(app, platform) {
    for (const routes of [healthRoutes, organisationRoutes, homeRoutes, notificationRoutes, jobsRoutes, outboxRoutes])
      routes(app, platform)
  },
  loops: [{ name: 'platform.retention', everySeconds: 600, run: keepLimits }],
  invariants: [
    {
      name: 'every stored answer of an Idempotency-Key is whole',
      sql: 'select user_id, route, key from platform.idempotency where body is null',
    },
  ],
}
