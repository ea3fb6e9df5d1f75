// deployment/production/monitoring/health-check.js is this file, bundled (npm run build).
import { endWithReader, Failure } from '../lib/index.ts'
import { healthCheck } from './server/command.ts'

endWithReader()
process.exitCode = await healthCheck(process.argv.slice(2), {
  script: process.argv[1] ?? '',
  env: process.env,
  print: (text) => void process.stdout.write(text),
}).catch((thrown: unknown) => {
  if (!(thrown instanceof Failure)) throw thrown
  process.stderr.write(`health-check: ${thrown.kind}: ${thrown.message}\n`)
  return thrown.exitClass
})
