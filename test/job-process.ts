// A worker of its own that dies in the middle of its last try.
import { openJobs } from '../src/platform/jobs.ts'
import { createLogger } from '../src/platform/log.ts'

const jobs = await openJobs<object>({
  url: process.argv[2]!,
  kinds: {
    'test.deadly': {
      retryLimit: 0,
      handle: async () => {
        process.kill(process.pid, 'SIGKILL')
        return []
      },
    },
  },
  log: createLogger({ LOG_LEVEL: 'warn', LOG_FORMAT: 'json' }),
  timeZone: 'UTC',
  concurrency: 1,
  worker: true,
})
await jobs.work({})
