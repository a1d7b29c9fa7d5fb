import { sql } from 'kysely'

/** Counters of mailings added up, as answers bear them: what is in none of the three is processing. */
export const summed = sql`jsonb_build_object('total', coalesce(sum(total), 0),
  'processing', coalesce(sum(total - sent - error - expired), 0), 'sent', coalesce(sum(sent), 0),
  'error', coalesce(sum(error), 0), 'expired', coalesce(sum(expired), 0))`
