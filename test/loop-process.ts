// A process of its own with one loop, which writes down each of its runs: what the tests of loops kill.
import pg from 'pg'
import { createLogger } from '../src/platform/log.ts'
import { startLoops } from '../src/platform/loops.ts'
import { openNotices } from '../src/platform/notices.ts'

const [url, termMs] = process.argv.slice(2)
const log = createLogger({ LOG_LEVEL: 'warn', LOG_FORMAT: 'json' })
const pool = new pg.Pool({ connectionString: url!, max: 1 })
startLoops(
  { log, notices: openNotices(url!, log) },
  [
    {
      name: 'test.work',
      everySeconds: 1,
      run: async () => {
        await pool.query('insert into public.runs (pid) values ($1)', [process.pid])
      },
    },
  ],
  { termMs: Number(termMs) },
)
