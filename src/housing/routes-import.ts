import { csvOf } from '../http/csv.ts'
import { IdParams } from '../http/schemas.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { viewerOfHouse } from './houses.ts'
import { importHouse } from './import.ts'
import { ImportQuery, ImportReport } from './schemas-import.ts'
import { staff } from './viewers.ts'

/** A whole house from a file. */
export function importRoutes(app: App, platform: Platform): void {
  app.post(
    '/api/houses/:id/import',
    {
      config: { access: staff, csv: true },
      schema: {
        summary: 'Take flats, meters and readings from a CSV',
        description:
          'A `text/csv` body of any size, or a form with a file. `;`, `,` or tabs; UTF-8 or windows-1251. Each row is a flat (`number`, `area`, `account`), and may go on with a meter (`serial`, `kind`, `installed_on`, `initial_value`, `digits`) and a reading (`month`, `value`, `rollover`). What is there already stays as it is, so the same file again changes nothing. Of a faulty row what stands before the fault is kept.',
        consumes: ['text/csv', 'multipart/form-data'],
        params: IdParams,
        querystring: ImportQuery,
        response: { 200: ImportReport },
      },
    },
    async (req) => {
      await viewerOfHouse(platform, req.user, req.params.id)
      return importHouse(platform, req.user, req.params.id, await csvOf(req), { ...req.query, locale: req.locale })
    },
  )
}
