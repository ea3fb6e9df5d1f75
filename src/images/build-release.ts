import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  canonicalJson,
  formatManifest,
  KIND_LABEL,
  MANIFEST_LABEL,
  RELEASE_KIND,
  type ReleaseManifest,
  sha256,
  writeReleaseContext,
} from '../release/index.ts'
import { build } from './buildx.ts'
import type { DraftImage } from './draft.ts'
import type { EngineAccess } from './engine-socket.ts'
import type { EvidenceByService } from './evidence.ts'
import { inspectBuiltImage } from './local-image.ts'

/** Builds the release image on this machine under the name `local`; equal content and id give an equal image. */
export async function buildReleaseImage(
  manifest: ReleaseManifest,
  options: {
    stackDirectory: string
    agentFile: string
    evidence: EvidenceByService
    local: string
    /** An empty private directory. */
    scratch: string
  } & EngineAccess,
): Promise<DraftImage> {
  const { local, scratch, env, signal } = options
  const context = join(scratch, 'context')
  // BuildKit takes a file of the same path, size and time for one that it has from an earlier build. The manifest holds the
  // hashes of everything else, so a folder named by it is the same for equal content only.
  const folder = sha256(canonicalJson(manifest)).slice('sha256:'.length)
  await mkdir(join(context, folder), { recursive: true })
  await writeReleaseContext(join(context, folder), { ...options, manifest })
  const labels = {
    [KIND_LABEL]: RELEASE_KIND,
    [MANIFEST_LABEL]: sha256(formatManifest(manifest)),
    'org.opencontainers.image.revision': manifest.commit,
  }
  const metadata = join(scratch, 'metadata.json')
  const args = [
    ...['--build-arg', `SOURCE_DATE_EPOCH=${Math.floor(Date.parse(manifest.created) / 1000)}`],
    ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
    ...['--metadata-file', metadata, '--tag', local, '--file', '-', context],
  ]
  await build('the release image', args, { env, signal, input: `FROM scratch\nCOPY ${folder}/ /\n` })
  const built = await inspectBuiltImage(local, metadata, options)
  return { local, ...built, verdict: null, built: true }
}
