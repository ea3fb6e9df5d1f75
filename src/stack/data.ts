import { normalised } from './paths.ts'
import { type Stack, servicesOf } from './stack.ts'
import type { XPacsData } from './x-pacs-data.ts'

/** A user of a service, and the file of the config revision (`secrets/…`) that holds the password. */
export interface Account {
  name: string
  password: string
}

/** What a core service holds, with the engine's names and the server's paths. */
export type ServiceData =
  | { kind: 'mongodb'; database: string; port: number; users: { migrate: Account; backup: Account } }
  | { kind: 'redis'; user: Account }
  /** `volume`: the engine's name of it. `index`: the PostgreSQL that holds the index; null for SQLite's file in the volume. */
  | { kind: 'orthanc'; volume: string; index: IndexPlace | null }

export interface IndexPlace {
  service: string
  database: string
  user: string
}

/** Where an archive keeps its images, and what names them: volumes by the engine's names. */
export interface ArchivePlace {
  volume: string
  /** The PostgreSQL with its index, and the volumes that it keeps that in; null for SQLite's file beside the images. */
  index: { service: string; volumes: readonly string[] } | null
}

/** Where a service of kind `orthanc` keeps its images; null for another. */
export function archiveOf(stack: Stack, service: string): ArchivePlace | null {
  const data = stack.services.get(service)?.pacs.data
  if (data?.kind !== 'orthanc') return null
  const { index } = data
  const volume = volumeName(stack, data.volume)
  if (index === undefined) return { volume, index: null }
  const mounts = stack.services.get(index.service)?.definition.volumes ?? []
  const volumes = mounts.flatMap(({ type, source }) =>
    type === 'volume' && source !== undefined ? [volumeName(stack, source)] : [],
  )
  return { volume, index: { service: index.service, volumes } }
}

/** The services of a stack that hold data, by name. Only for a stack that `checkStack` finds fit. @throws Error for another */
export function dataServices(stack: Stack): ReadonlyMap<string, ServiceData> {
  const held = new Map<string, ServiceData>()
  for (const { name, pacs } of servicesOf(stack, 'core')) if (pacs.data) held.set(name, resolved(stack, pacs.data))
  return held
}

/** The files of the config revision with the passwords that `x-pacs.data` of a service names, whether it mounts them or not. */
export function passwordFiles(stack: Stack, service: string): string[] {
  const data = stack.services.get(service)?.pacs.data
  const accounts = data?.kind === 'mongodb' ? Object.values(data.users) : data?.kind === 'redis' ? [data] : []
  return accounts.flatMap(({ password }) => {
    const file = stack.secrets.get(password)?.file
    return file === undefined ? [] : [normalised(file)]
  })
}

function resolved(stack: Stack, data: XPacsData): ServiceData {
  switch (data.kind) {
    case 'orthanc':
      return { kind: data.kind, volume: volumeName(stack, data.volume), index: data.index ?? null }
    case 'redis':
      return { kind: data.kind, user: accountOf(stack, { name: data.user, password: data.password }) }
    case 'mongodb': {
      const { migrate, backup } = data.users
      return { ...data, users: { migrate: accountOf(stack, migrate), backup: accountOf(stack, backup) } }
    }
  }
}

function volumeName(stack: Stack, volume: string): string {
  const name = stack.volumes.get(volume)?.name
  if (name === undefined) throw new Error(`the stack declares no volume ${volume} with a name`)
  return name
}

function accountOf(stack: Stack, { name, password }: Account): Account {
  const file = stack.secrets.get(password)?.file
  if (file === undefined) throw new Error(`the stack declares no secret ${password} with a file`)
  return { name, password: normalised(file) }
}
