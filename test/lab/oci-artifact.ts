// Pushes a few files as an OCI artifact of one layer, as Trivy's databases are distributed.
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../src/lib/index.ts'
import { hostEnv } from './docker.ts'
import { LabError } from './errors.ts'

const CONFIG = 'application/vnd.aquasec.trivy.config.v1+json'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** A registry at `https://127.0.0.1:<port>`, and the certificate of its authority. */
export interface RegistryAt {
  port: number
  ca: Uint8Array
}

export interface Artifact {
  repository: string
  tag: string
  mediaType: string
  /** Name of the archive, as the layer's annotation has it. */
  title: string
  files: Readonly<Record<string, string | Uint8Array>>
}

export async function pushArtifact(registry: RegistryAt, artifact: Artifact): Promise<void> {
  const { repository, tag, mediaType, title } = artifact
  const put = (path: string, body: Uint8Array, type: string) => send(registry, 'PUT', path, body, type)
  const upload = async (bytes: Uint8Array) => {
    const { location } = await send(registry, 'POST', `/v2/${repository}/blobs/uploads/`)
    const at = new URL(location, 'https://registry')
    at.searchParams.set('digest', digestOf(bytes))
    await put(`${at.pathname}${at.search}`, bytes, 'application/octet-stream')
    return { size: bytes.length, digest: digestOf(bytes) }
  }
  const config = { mediaType: CONFIG, ...(await upload(Buffer.from('{}'))) }
  const annotations = { 'org.opencontainers.image.title': title }
  const layer = { mediaType, ...(await upload(await archiveOf(artifact.files))), annotations }
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] }
  await put(`/v2/${repository}/manifests/${tag}`, Buffer.from(JSON.stringify(manifest)), MANIFEST)
}

async function archiveOf(files: Artifact['files']): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-artifact-'))
  try {
    const names = Object.keys(files)
    for (const name of names) await writeFile(join(folder, name), files[name] ?? '')
    await run('tar', ['-C', folder, '-czf', join(folder, 'archive.tar.gz'), ...names], { env: hostEnv() })
    return await readFile(join(folder, 'archive.tar.gz'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function send(
  { port, ca }: RegistryAt,
  method: string,
  path: string,
  body: Uint8Array = new Uint8Array(),
  type = 'application/octet-stream',
): Promise<{ location: string }> {
  const headers = { 'content-type': type, 'content-length': body.length }
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port, path, method, headers, ca: Buffer.from(ca), agent: false },
      (answer) => {
        answer.resume()
        answer.on('end', () => {
          const { statusCode = 0 } = answer
          if (statusCode >= 200 && statusCode < 300) resolve({ location: answer.headers.location ?? '' })
          else reject(new LabError(`the registry answers ${method} ${path} with ${statusCode}`))
        })
      },
    )
    call.on('error', reject).end(body)
  })
}
