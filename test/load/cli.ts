// npm run test:load -- load|stress|spike|endurance: the whole shipped stack under load, on a server of the lab, over the loopback alone.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { Failure, messageOf } from '../../src/lib/index.ts'
import { sendImage } from '../dicom/send.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { LabError, Progress } from '../lab/index.ts'
import { startSite } from '../site/site.ts'
import { ask, atRest } from '../site/transactions.ts'
import { MOST_MINUTES, type Profile, profileOf } from './profiles.ts'
import { runProfile } from './run.ts'

const USAGE = `npm run test:load -- load        a clinic's ordinary load
npm run test:load -- stress      more and more, until something gives
npm run test:load -- spike       a sudden crowd, and after it
npm run test:load -- endurance [--minutes 10]   for long: does anything grow?
Each takes [--json FILE].`

try {
  process.exitCode = await main()
} catch (thrown) {
  if (!(thrown instanceof LabError || thrown instanceof Failure)) throw thrown
  process.stderr.write(`load: ${messageOf(thrown)}\n`)
  process.exitCode = 1
}

/** @returns 0 when it held, or when the limit that was looked for was found, else 1 */
async function main(): Promise<number> {
  const { profile, json } = read(process.argv.slice(2))
  const progress = new Progress(undefined, 'load')
  await using site = await progress.step('bring a server up', () => startSite(['load']))
  const server = site.lab.server('load')
  const release = await progress.step('build and push the app', () => site.repository.build())
  for (const args of [
    ['migrate', release],
    ['deploy', release, '--watch', '0s', '--keep-warm', '0s'],
  ]) {
    const { result, stderr } = await progress.step(args[0] ?? '', () => ask(server, args))
    if (result?.outcome !== 'done' && result?.outcome !== 'deployed') throw new LabError(result?.message ?? stderr)
  }
  await atRest(server)
  const image = syntheticImage()
  await sendImage(image, { host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling: 'CT1' })
  const images = [`/api/studies/${image.studyInstanceUid}/rendered`]
  const report = await runProfile(site.lab, server, { profile, images }, progress)
  console.log(report.text)
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`)
  return report.good ? 0 : 1
}

function read(args: readonly string[]): { profile: Profile; json: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { minutes: { type: 'string', default: '10' }, json: { type: 'string' } },
    })
    const minutes = Number(values.minutes)
    if (!Number.isInteger(minutes) || minutes < 2 || minutes > MOST_MINUTES) {
      throw new LabError(`--minutes is "${values.minutes}": 2 to ${MOST_MINUTES}`)
    }
    const profile = positionals.length === 1 ? profileOf(positionals[0] ?? '', minutes) : undefined
    if (profile === undefined) throw new LabError(`usage:\n${USAGE}`)
    return { profile, json: values.json }
  } catch (thrown) {
    throw thrown instanceof LabError ? thrown : new LabError(`${messageOf(thrown)}\n${USAGE}`)
  }
}
