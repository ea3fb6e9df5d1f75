// deployment/production/monitoring/health-check.js is this file, bundled (npm run build).
import { endWithReader, Failure, messageOf } from '../lib/index.ts'
import { healthCheck } from './server/command.ts'

endWithReader()
process.exitCode = await healthCheck(process.argv.slice(2), {
  script: process.argv[1] ?? '',
  env: process.env,
  print: (text) => void process.stdout.write(text),
}).catch((thrown: unknown) => {
  // Node's own exit code for a bug is 1, which says here that the stack is degraded.
  const failure = thrown instanceof Failure ? thrown : new Failure('error', messageOf(thrown))
  process.stderr.write(`health-check: ${failure.kind}: ${failure.message}\n`)
  return failure.exitClass
})
