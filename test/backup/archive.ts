import { z } from 'zod'
import type { BackupRequest } from '../../src/backup/index.ts'
import { sendImage } from '../dicom/send.ts'
import { type SyntheticImage, syntheticImage } from '../dicom/synthetic-image.ts'
import { addressOf, docker, ensureVendorImage, LAB_LABEL, type Progress, waitFor } from '../lab/index.ts'

/** An Orthanc of one test's own, with its index in SQLite or in a PostgreSQL beside it. */
export class TestArchive {
  /** The service in a backup. */
  readonly service: string
  readonly container: string
  readonly images: Readonly<Record<string, string>>
  readonly #site: string
  readonly #inPostgres: boolean

  private constructor(site: string, service: string, images: Record<string, string>, inPostgres: boolean) {
    this.#site = site
    this.service = service
    this.container = `${site}-${service}`
    this.images = images
    this.#inPostgres = inPostgres
  }

  /** @param site the lab that it belongs to */
  static async start(site: string, kind: 'sqlite' | 'postgres', progress: Progress): Promise<TestArchive> {
    const inPostgres = kind === 'postgres'
    const service = inPostgres ? 'archive' : 'orthanc'
    const images: Record<string, string> = {
      [service]: (await ensureVendorImage('orthancteam/orthanc:26.8.1', progress)).image,
    }
    if (inPostgres) images.postgres = (await ensureVendorImage('postgres:17', progress)).image
    const archive = new TestArchive(site, service, images, inPostgres)
    await archive.#startAll()
    return archive
  }

  get source(): BackupRequest['archives'][number] {
    const { service, container } = this
    const index = { service: 'postgres', container: this.postgres, database: 'orthanc', user: 'orthanc' }
    return { service, container, volume: container, index: this.#inPostgres ? index : null }
  }

  get postgres(): string {
    return `${this.#site}-postgres`
  }

  async send(image: SyntheticImage = syntheticImage()): Promise<SyntheticImage> {
    await sendImage(image, { host: await addressOf(this.container), port: 4242, called: 'ORTHANC', calling: 'TEST' })
    return image
  }

  /** Deletes the study of an image. */
  delete({ studyInstanceUid }: SyntheticImage): Promise<void> {
    return this.#delete('studies', studyInstanceUid)
  }

  /** Deletes an image and leaves the rest of its study. */
  deleteImage({ sopInstanceUid }: SyntheticImage): Promise<void> {
    return this.#delete('instances', sopInstanceUid)
  }

  async #delete(kind: 'studies' | 'instances', uid: string): Promise<void> {
    const found = await this.#ask('/tools/lookup', 'POST', uid)
    const [it] = z.array(z.object({ ID: z.string() })).parse(await found.json())
    await this.#ask(`/${kind}/${it?.ID}`, 'DELETE')
  }

  /** The paths of all DICOM files in the container. */
  async files(): Promise<string[]> {
    const found = await docker(['exec', this.container, 'find', '/var/lib/orthanc/db', '-type', 'f', '-name', '*-*-*'])
    return found.split('\n').filter((path) => !path.includes('index'))
  }

  async statistics(): Promise<unknown> {
    return waitFor('Orthanc to answer', async () => (await this.#ask('/statistics')).json(), 60_000)
  }

  /** Instances whose file Orthanc itself finds changed. */
  async md5Faults(): Promise<string[]> {
    const instances = z.array(z.string()).parse(await (await this.#ask('/instances')).json())
    const checked = instances.map(async (id) => {
      const answer = await this.#ask(`/instances/${id}/attachments/dicom/verify-md5`, 'POST')
      return answer.ok ? [] : [id]
    })
    return (await Promise.all(checked)).flat()
  }

  /** As on a new server. */
  async empty(): Promise<void> {
    const containers = this.#inPostgres ? [this.container, this.postgres] : [this.container]
    await docker(['rm', '--force', '--volumes', ...containers])
    await docker(['volume', 'rm', this.container])
    await this.#startAll()
  }

  /** Asks the live PostgreSQL. */
  sql(statement: string): Promise<string> {
    return docker(['exec', this.postgres, 'psql', '-XAtq', '-U', 'orthanc', '-d', 'orthanc', '-c', statement])
  }

  async #ask(path: string, method = 'GET', body: string | null = null): Promise<Response> {
    return fetch(`http://${await addressOf(this.container)}:8042${path}`, { method, body })
  }

  async #startAll(): Promise<void> {
    const label = ['--label', `${LAB_LABEL}=${this.#site}`]
    const environment = ['AUTHENTICATION_ENABLED=false', 'DICOM_AET=ORTHANC']
    if (this.#inPostgres) {
      await this.#startPostgres(label)
      const at = [
        'HOST',
        await addressOf(this.postgres),
        'DATABASE',
        'orthanc',
        'USERNAME',
        'orthanc',
        'PASSWORD',
        'any',
      ]
      for (let i = 0; i < at.length; i += 2) environment.push(`POSTGRESQL__${at[i]}=${at[i + 1]}`)
      const on = ['ENABLE_INDEX=true', 'ENABLE_STORAGE=false', 'ENABLE_SSL=false']
      environment.push(...on.map((setting) => `POSTGRESQL__${setting}`))
    }
    await docker(['volume', 'create', ...label, this.container])
    await docker([
      ...['run', '--detach', '--name', this.container, ...label, '--user', '999:999', '--memory', '512m'],
      ...['--volume', `${this.container}:/var/lib/orthanc`, '--env', 'GENERATE_HOST_ID_IF_MISSING=false'],
      ...environment.flatMap((setting) => ['--env', `ORTHANC__${setting}`]),
      this.images[this.service] ?? '',
    ])
    const host = await addressOf(this.container)
    await waitFor('Orthanc to answer', async () => (await fetch(`http://${host}:8042/system`)).ok, 60_000)
  }

  async #startPostgres(label: readonly string[]): Promise<void> {
    const login = ['POSTGRES_USER=orthanc', 'POSTGRES_DB=orthanc', 'POSTGRES_HOST_AUTH_METHOD=trust']
    await docker([
      ...['run', '--detach', '--name', this.postgres, ...label, '--user', '999:999', '--memory', '512m'],
      ...[...login.flatMap((one) => ['--env', one]), this.images.postgres ?? ''],
    ])
    const ready = ['exec', this.postgres, 'pg_isready', '-q', '-h', '127.0.0.1', '-U', 'orthanc', '-d', 'orthanc']
    await waitFor('PostgreSQL to answer', () => docker(ready).then(() => true), 60_000)
  }
}
