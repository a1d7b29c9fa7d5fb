/*
 * mailings: a message to everybody who matches, inside its window, once.
 *
 *   URL                                         function             tables                            jobs
 *   GET    /api/clients                         listClients          clients
 *   POST   /api/clients                         createClient         clients
 *   GET    /api/clients/:id                     getClient            clients
 *   PUT    /api/clients/:id                     changeClient         clients
 *   PATCH  /api/clients/:id                     changeClient         clients
 *   DELETE /api/clients/:id                     removeClient         clients, messages, counters
 *   POST   /api/clients/import                  importClients        clients
 *   GET    /api/clients/export                  clientsCsv           clients
 *   GET    /api/clients/stops                   listStops            stops
 *   POST   /api/clients/stops                   createStop           stops, messages, counters
 *   POST   /api/clients/stops/import            importStops          stops, messages, counters
 *   DELETE /api/clients/stops/:phone            removeStop           stops
 *
 *   GET    /api/mailings                        listMailings         mailings, counters
 *   POST   /api/mailings                        createMailing        mailings                          loop mailings.clock
 *   POST   /api/mailings/preview                previewMailing       clients, stops (nothing written)
 *   GET    /api/mailings/audiences              listAudiences        (of the modules that run)
 *   GET    /api/mailings/:id                    getMailing           mailings, counters
 *   PUT    /api/mailings/:id                    changeMailing        mailings, messages, counters      loop mailings.clock
 *   PATCH  /api/mailings/:id                    changeMailing        mailings, messages, counters      loop mailings.clock
 *   DELETE /api/mailings/:id                    removeMailing        mailings, messages
 *   POST   /api/mailings/:id/cancel             cancelMailing        mailings, messages, counters      loop mailings.clock
 *   POST   /api/mailings/:id/pause              pauseMailing         mailings
 *   POST   /api/mailings/:id/resume             resumeMailing        mailings, recent_answers          loop mailings.sender
 *   POST   /api/mailings/:id/retry              retryMailing         mailings, messages, counters      loop mailings.sender
 *   GET    /api/mailings/:id/events             mailingState         mailings, counters
 *   POST   /api/mailings/:id/test               sendTest             tests, senders
 *   POST   /api/mailings/test                   sendTest             tests, senders
 *   GET    /api/mailings/gateway                gatewayState         senders
 *
 *   GET    /api/mailings/stats                  getStatistics        mailings, counters, minutes
 *   GET    /api/mailings/:id/stats              getMailingStatistics  counters, minutes, latencies
 *   GET    /api/mailings/:id/messages           listMessages         messages, counters
 *   GET    /api/mailings/:id/messages.csv       messagesCsv          messages
 *   GET    /api/messages/:id                    getMessage           messages, mailings, clients
 *
  loops: [clockLoop, senderLoop, { name: 'mailings.daily', everySeconds: 60, run: askDailyLetter }],
  jobs: { 'mailings.statistics': { handle: mailStatistics, batchSize: 5 } },
  measure: measureMessages,
 * The loop mailings.clock (clock.ts) begins mailings, making their messages (audience.ts), ends and finishes them.
 */
import type { Module } from '../platform/module.ts'
import { clockLoop } from './clock.ts'
import { askDailyLetter, mailStatistics } from './daily.ts'
import { demonstrate } from './demo.ts'
import { messages } from './messages.ts'
import { outboxSource } from './outbox.ts'
import { routes } from './routes.ts'
import { Client, Message } from './schemas.ts'
import { Mailing } from './schemas-mailings.ts'
import { seed } from './seed.ts'
import { senderLoop } from './sender.ts'
import { measureMessages } from './senders.ts'
import { settings } from './settings.ts'

declare module '../platform/access.ts' {
  interface Roles {
    operator: true
  }
}

export const mailings: Module = {
  name: 'mailings',
  settings,
  messages,
  roles: ['operator'],
  outboxKinds: ['message'],
  outboxSources: [outboxSource],
  routes,
  shapes: [Client, Message, Mailing],
  seed,
  demonstrate,
  loops: [clockLoop, senderLoop, { name: 'mailings.daily', everySeconds: 60, run: askDailyLetter }],
  jobs: { 'mailings.statistics': { handle: mailStatistics, batchSize: 5 } },
  measure: measureMessages,
  invariants: [
    {
      name: 'the counters of a mailing are its messages, counted',
      sql: `select coalesce(c.mailing_id, m.mailing_id) mailing_id, coalesce(c.operator_code, m.operator_code) operator_code
            from mailings.counters c full join (
              select mailing_id, operator_code, count(*) total, count(*) filter (where status = 'sent') sent,
                count(*) filter (where status = 'error') error, count(*) filter (where status = 'expired') expired
              from mailings.messages group by 1, 2) m using (mailing_id, operator_code)
            where (c.total, c.sent, c.error, c.expired) is distinct from (m.total, m.sent, m.error, m.expired)`,
    },
    {
      name: 'a mailing that is over has no message under way',
      sql: `select m.id, m.mailing_id from mailings.messages m join mailings.mailings l on l.id = m.mailing_id
            where m.status = 'processing' and l.status <> 'running' and not l.draining`,
    },
    {
      name: 'what was sent stands in the minute in which it was',
      sql: `select c.mailing_id from (select mailing_id, sum(sent) sent from mailings.counters group by 1) c
            left join (select mailing_id, sum(sent) sent from mailings.minutes group by 1) m using (mailing_id)
            where c.sent <> coalesce(m.sent, 0)`,
    },
  ],
}
