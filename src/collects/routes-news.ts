import { cursorRequest } from '../http/pages.ts'
import { PictureParams, sendPicture } from '../http/pictures.ts'
import { IdParams, NoContent, Ref } from '../http/schemas.ts'
import { sendCached } from '../platform/cache.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { expenseList, removeExpense, spend } from './expenses.ts'
import { addOrganiser, removeOrganiser } from './organisers.ts'
import { Organiser } from './schemas.ts'
import {
  Expense,
  ExpenseParams,
  Expenses,
  NewExpense,
  NewOrganiser,
  NewsQuery,
  NewUpdate,
  OrganiserParams,
  Update,
  UpdateParams,
  Updates,
} from './schemas-news.ts'
import { removeUpdate, tellUpdate, updateList } from './updates.ts'

const ownerOrAdmin = ['owner', 'admin'] as const
const pictureOf = (summary: string) => ({ summary, params: PictureParams })

export function newsRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/collects/:id/updates',
    {
      config: { access: 'anyone' },
      schema: { summary: 'News of a collect', params: IdParams, querystring: NewsQuery, response: { 200: Updates } },
    },
    (req, reply) => sendCached(platform.cache, req, reply, updateList(req.params.id, cursorRequest(req))) as never,
  )
  app.post(
    '/api/collects/:id/updates',
    {
      config: { access: ownerOrAdmin, idempotent: true, upload: { field: 'picture', booleans: ['is_thanks'] } },
      schema: {
        summary: 'Tell of a collect',
        description:
          'JSON, or multipart with the file `picture`. Who gave hears of it once, in the app and by letter. Thanks to all are told once.',
        params: IdParams,
        body: NewUpdate,
        response: { 201: Ref(Update, 'CollectUpdate') },
      },
    },
    async (req) => tellUpdate(platform, req.user, req.params.id, req.body, req.upload, req.once),
  )
  app.delete(
    '/api/collects/:id/updates/:update',
    {
      config: { access: ownerOrAdmin },
      schema: { summary: 'Take back what was told', params: UpdateParams, response: { 204: NoContent } },
    },
    async (req) => removeUpdate(platform, req.user, req.params.id, req.params.update),
  )
  app.get(
    '/api/collects/:id/expenses',
    {
      config: { access: 'anyone' },
      schema: {
        summary: 'How the money of a collect was spent',
        params: IdParams,
        querystring: NewsQuery,
        response: { 200: Expenses },
      },
    },
    (req, reply) => sendCached(platform.cache, req, reply, expenseList(req.params.id, cursorRequest(req))) as never,
  )
  app.post(
    '/api/collects/:id/expenses',
    {
      config: { access: ownerOrAdmin, idempotent: true, upload: { field: 'receipt' } },
      schema: {
        summary: 'Enter what was spent',
        description:
          'JSON, or multipart with the file `receipt`. More than came in is fine: organisers add of their own.',
        params: IdParams,
        body: NewExpense,
        response: { 201: Ref(Expense, 'Expense') },
      },
    },
    async (req) => spend(platform, req.user, req.params.id, req.body, req.upload, req.once),
  )
  app.delete(
    '/api/collects/:id/expenses/:expense',
    {
      config: { access: ownerOrAdmin },
      schema: { summary: 'Take an expense out of the ledger', params: ExpenseParams, response: { 204: NoContent } },
    },
    async (req) => removeExpense(platform, req.user, req.params.id, req.params.expense),
  )
  app.post(
    '/api/collects/:id/organisers',
    {
      config: { access: ownerOrAdmin, idempotent: true },
      schema: {
        summary: 'Name a co-organiser',
        description: 'They may do what the author may, but delete the collect or name organisers. At most 20.',
        params: IdParams,
        body: NewOrganiser,
        response: { 201: Organiser },
      },
    },
    async (req) => addOrganiser(platform, req.user, req.params.id, req.body, req.once),
  )
  app.delete(
    '/api/collects/:id/organisers/:user',
    {
      config: { access: ownerOrAdmin },
      schema: { summary: 'Take a co-organiser off', params: OrganiserParams, response: { 204: NoContent } },
    },
    async (req) => removeOrganiser(platform, req.user, req.params.id, req.params.user),
  )
  app.get(
    '/files/covers/:name',
    { config: { access: 'anyone' }, schema: pictureOf('The picture of a cover') },
    async (req, reply) => sendPicture(reply, await platform.files.read(`covers/${req.params.name}`)),
  )
  app.get(
    '/files/updates/:name',
    { config: { access: 'anyone' }, schema: pictureOf('A picture of news') },
    async (req, reply) => sendPicture(reply, await platform.files.read(`updates/${req.params.name}`)),
  )
  app.get(
    '/files/receipts/:name',
    { config: { access: 'anyone' }, schema: pictureOf('A picture of a receipt') },
    async (req, reply) => sendPicture(reply, await platform.files.read(`receipts/${req.params.name}`)),
  )
}
