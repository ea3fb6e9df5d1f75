import { z } from 'zod'
import { type Digest, type Evidence, sha256, type Verdict } from '../../src/release/index.ts'
import { type Lab, startLab } from '../lab/index.ts'
import type { SampleCheckout } from './checkout.ts'
import { call, installProgram, type Outcome } from './in-runner.ts'
import { type Call, draftSchema } from './protocol.ts'
import { publishVendorImages } from './vendor-images.ts'

export type Draft = z.infer<typeof draftSchema>
type PushOptions = (Call & { use: 'push' })['options']

export const PREFIX = 'registry.lab:5000/org/pacs'
export const COMPOSE_FILE = 'stack/docker-compose.prod.yml'
const AGENT = '/srv/agent.js'
/** A private directory for a login, in the runner. */
export const DOCKER_CONFIG = '/tmp/pacs-docker'

/** A lab with a runner in which the use cases of src/images run. */
export async function startBench(): Promise<Lab> {
  const lab = await startLab({ servers: [] })
  try {
    await installProgram(lab.runner)
    await publishVendorImages(lab.runner)
    await lab.runner.copyIn(Buffer.from('// the agent\n'), AGENT)
    return lab
  } catch (thrown) {
    await lab.down()
    throw thrown
  }
}

/** An image's Id is its configuration on overlay2 and its manifest in containerd. */
export const IMAGE_STORES = ['overlay2', 'containerd'] as const

/** Lets the runner's engine keep images that way; each store has images of its own. */
export function useImageStore(lab: Lab, store: (typeof IMAGE_STORES)[number]): Promise<void> {
  return configureEngine(lab, { features: { 'containerd-snapshotter': store === 'containerd' } })
}

/** Restarts the runner's engine with changed settings in its daemon.json. */
export async function configureEngine(lab: Lab, change: Readonly<Record<string, unknown>>): Promise<void> {
  const path = '/etc/docker/daemon.json'
  const config = z.record(z.string(), z.unknown()).parse(JSON.parse(await lab.runner.readText(path)))
  await lab.runner.copyIn(Buffer.from(JSON.stringify({ ...config, ...change })), path)
  // systemd refuses a fourth start within a minute.
  await lab.runner.run(['systemctl', 'reset-failed', 'docker'])
  await lab.runner.run(['systemctl', 'restart', 'docker'])
}

/** Builds a checkout. @throws Error with the failure's message when it does not succeed. */
export async function build(lab: Lab, { directory, commit }: SampleCheckout): Promise<Draft> {
  const options = { directory, commit, composeFile: COMPOSE_FILE, prefix: PREFIX, dockerConfigDirectory: DOCKER_CONFIG }
  return draftSchema.parse(resultOf(await call(lab.runner, { use: 'build', options })))
}

const VERSION = '1.2.3'

/** What a scan might have said: these images are about the registry. */
function judged(image: Digest): { verdict: Verdict; evidence: Evidence } {
  const evidence = {
    report: JSON.stringify({
      SchemaVersion: 2,
      Trivy: { Version: VERSION },
      ArtifactType: 'container_image',
      Metadata: { ImageID: image },
    }),
    sbom: '{}',
    dockerfile: '{"Results":[]}',
  }
  const { report, sbom, dockerfile } = evidence
  const verdict = { ...VERDICT, report: sha256(report), sbom: sha256(sbom), dockerfile: sha256(dockerfile) }
  return { verdict, evidence }
}

const VERDICT: Omit<Verdict, 'report' | 'sbom'> = {
  built: true,
  scanner: { version: VERSION, sha256: sha256('scanner') },
  database: '2026-11-24T06:00:00.000Z',
  judged: '2026-11-24T10:00:00.000Z',
  found: { critical: 0, high: 0, medium: 0, low: 0, unknown: 0 },
  open: [],
  waived: [],
}

/** Options of a push of a checkout's draft, as a workflow would give them. */
export function pushOptions(
  { directory }: SampleCheckout,
  draft: Draft,
  change: Partial<PushOptions> = {},
): PushOptions {
  const images = Object.entries(draft.images).map(([name, image]) => ({ name, image, ...judged(image.image) }))
  return {
    draft: {
      ...draft,
      images: Object.fromEntries(images.map(({ name, image, verdict }) => [name, { ...image, verdict }])),
    },
    evidence: Object.fromEntries(images.map(({ name, evidence }) => [name, evidence])),
    directory,
    stackDirectory: `${directory}/stack`,
    migrations: [],
    prefix: PREFIX,
    agentFile: AGENT,
    agentVersion: '1.0.0',
    actor: 'releaser',
    repository: 'org/pacs',
    run: 'https://github.example/org/pacs/actions/runs/1',
    created: '2026-11-24T10:15:00.000Z',
    cache: '/srv/cache',
    dockerConfigDirectory: DOCKER_CONFIG,
    ...change,
  }
}

/** @throws Error when the call failed. */
export function resultOf({ result, failure }: Outcome): unknown {
  if (failure) throw new Error(`${failure.kind}: ${failure.message}`)
  return result
}
