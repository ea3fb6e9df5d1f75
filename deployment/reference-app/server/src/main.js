import { ConfigError, readConfig } from './config.js'
import { startServer } from './server.js'

try {
  const server = await startServer(readConfig(process.env))
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, async () => {
      if (stopping) return
      stopping = true
      process.exitCode = (await server.stop()) ? 0 : 1
    })
  }
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  for (const problem of error.problems) process.stderr.write(`configuration: ${problem}\n`)
  process.exitCode = 1
}
