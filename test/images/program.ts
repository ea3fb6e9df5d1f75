// Runs one use case of src/images or src/release where the engine and its clients are: in the lab's runner. What to do comes
// as JSON on standard input; every line of output is an answer of `answerSchema`.
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { openReleases } from '../../src/agent/server/releases.ts'
import { buildImages, pushRelease } from '../../src/images/index.ts'
import { Failure } from '../../src/lib/index.ts'
import { parsePinned, readReleaseImage } from '../../src/release/index.ts'
import { startFakeRegistry } from './fake-registry.ts'
import { type Answer, type Call, callSchema } from './protocol.ts'

const say = (answer: Answer) => process.stdout.write(`${JSON.stringify(answer)}\n`)
const controller = new AbortController()
process.on('SIGTERM', () => controller.abort(new Failure('error', 'ended by SIGTERM')))

const world = {
  env: {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    ...(process.env.DOCKER_HOST ? { DOCKER_HOST: process.env.DOCKER_HOST } : {}),
  },
  log: (line: string) => say({ log: line }),
  signal: controller.signal,
  // Pauses between tries are shown, and short.
  pause: async (ms: number) => {
    say({ log: `pause of ${ms} ms` })
    await sleep(10)
  },
}

try {
  say({ result: await perform(callSchema.parse(JSON.parse(await text(process.stdin)))) })
} catch (thrown) {
  if (!(thrown instanceof Failure)) throw thrown
  say({ failure: { kind: thrown.kind, message: thrown.message } })
}

async function perform(call: Call): Promise<unknown> {
  switch (call.use) {
    case 'build':
      return (await buildImages({ ...call.options, ...world, onGate: () => undefined })).draft
    case 'push':
      return pushRelease({
        ...call.options,
        ...world,
        agentVersion: async () => call.options.agentVersion,
        created: new Date(call.options.created),
      })
    case 'push-to-fake':
      return pushToFake(call)
    case 'read':
      return readReleaseImage({
        pinned: parsePinned('release', call.options.release),
        into: call.options.into,
        ...world,
      })
    case 'fetch':
      return openReleases(call.options.releases, world.env, world.log).fetch(call.options.release, world.signal)
  }
}

async function pushToFake(call: Call & { use: 'push-to-fake' }): Promise<unknown> {
  await using registry = await startFakeRegistry(call.port, call.faults)
  try {
    const results: unknown[] = []
    for (let time = 0; time < call.times; time += 1) {
      registry.seen.push(`push ${time + 1}`)
      results.push(await perform({ use: 'push', options: call.options }))
    }
    return results
  } finally {
    for (const request of registry.seen) say({ request })
  }
}
