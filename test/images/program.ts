// Runs one use case of src/images or src/release where the engine and its clients are: in the lab's runner. What to do comes
// as JSON on standard input; every line of output is an answer of `answerSchema`.
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildImages, pushRelease } from '../../src/images/index.ts'
import { Failure } from '../../src/lib/index.ts'
import { parsePinned, readReleaseImage } from '../../src/release/index.ts'
import { type Answer, type Call, callSchema } from './protocol.ts'

const say = (answer: Answer) => process.stdout.write(`${JSON.stringify(answer)}\n`)
const controller = new AbortController()
process.on('SIGTERM', () => controller.abort(new Failure('error', 'ended by SIGTERM')))

const world = {
  env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' },
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

function perform(call: Call): Promise<unknown> {
  switch (call.use) {
    case 'build':
      return buildImages({ ...call.options, ...world })
    case 'push':
      return pushRelease({ ...call.options, ...world, created: new Date(call.options.created) })
    case 'read':
      return readReleaseImage({
        pinned: parsePinned('release', call.options.release),
        into: call.options.into,
        ...world,
      })
  }
}
