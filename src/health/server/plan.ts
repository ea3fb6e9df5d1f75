import { existsSync } from 'node:fs'
import type { Check, Finding } from '../gate.ts'
import { certificateCheck } from '../protocols/certificate.ts'
import { askDisk } from '../protocols/disk.ts'
import { askHttp } from '../protocols/http.ts'
import type { AgentWord } from './agent.ts'
import type { ChecksFile } from './checks-file.ts'
import type { Listed } from './containers.ts'
import { containerCheck, type Surroundings, serviceCheck } from './service-checks.ts'

/** A check with what it is of. */
export interface PlannedCheck {
  service: string
  critical: boolean
  check: Check
}

export interface PlanOptions extends Surroundings {
  file: ChecksFile
  containers: readonly Listed[]
  agent: AgentWord | null
  /** What users open; not asked where nobody says it. */
  publicUrl: string | undefined
  ca: string | undefined
  /** The release that must serve; any where it is left out. */
  release: string | undefined
}

/** Everything that is looked at: each container of each service, the public entry, the agent, and the disks. */
export function planChecks(options: PlanOptions): PlannedCheck[] {
  const { file, agent } = options
  const containers = relevant(options.containers, agent)
  const names = new Set([...Object.keys(file.services), ...containers.map(({ service }) => service)])
  const planned = [...names].flatMap((service) => serviceChecks(service, containers, options))
  if (options.publicUrl !== undefined) planned.push(...publicChecks(options.publicUrl, containers, options))
  const finding = agent?.finding ?? absence(options)
  if (finding !== null) planned.push({ service: 'agent', critical: false, check: says('status', finding) })
  if (options.release !== undefined) planned.push(releaseCheck(options.release, agent))
  for (const path of file.disks.filter((each) => existsSync(each))) {
    planned.push({ service: 'disk', critical: true, check: { name: path, look: () => askDisk(path) } })
  }
  return planned
}

/** What it means that no agent is here: nothing where none ever was. */
function absence({ file, containers }: PlanOptions): Finding | null {
  if (file.agent === undefined || containers.every(({ instance }) => instance === null)) return null
  return {
    ok: false,
    detail: `no socket ${file.agent} that may be used here (does pacs-agent run?), though it made what serves`,
  }
}

/** Without the instances that do not serve: a warm one may go at any time, and what is left of an old one tells nothing. */
function relevant(containers: readonly Listed[], agent: AgentWord | null): Listed[] {
  const met = agent?.public ?? []
  return containers.filter(
    ({ instance, state }) => instance === null || (met.length === 0 ? state === 'running' : met.includes(instance)),
  )
}

function serviceChecks(service: string, containers: readonly Listed[], options: PlanOptions): PlannedCheck[] {
  const { critical = true, optional = false, checks = [] } = options.file.services[service] ?? {}
  const own = containers.filter((container) => container.service === service)
  if (own.length === 0) {
    if (optional) return []
    return [{ service, critical, check: says('container', { ok: false, detail: 'there is no container' }) }]
  }
  return own.flatMap((container, index) => {
    const name = own.length === 1 ? service : `${service}-${index + 1}`
    // What does not run is down once, not once for each of its checks.
    const deep = container.state === 'running' ? checks.map((check) => serviceCheck(check, container, options)) : []
    return [containerCheck(container, checks.length === 0), ...deep].map((check) => ({
      service: name,
      critical,
      check,
    }))
  })
}

function publicChecks(url: string, containers: readonly Listed[], options: PlanOptions): PlannedCheck[] {
  const { ca, limit, file } = options
  const instances = [...new Set(containers.map(({ project }) => /-([0-9a-f]{8})$/.exec(project)?.[1]))]
  const oneOf = instances.filter((i8) => i8 !== undefined)
  const name = file['instance-header']
  const header = name === undefined || oneOf.length === 0 ? undefined : { name, oneOf }
  const page: Check = {
    name: url,
    look: (signal) => askHttp({ url, signal, header, timeout: limit - 50, ...(ca === undefined ? {} : { ca }) }),
  }
  return [page, certificateCheck(url, ca)].map((check) => ({ service: 'public', critical: true, check }))
}

function releaseCheck(wanted: string, agent: AgentWord | null): PlannedCheck {
  const serves = agent?.serving?.release
  const finding = {
    ok: serves === wanted,
    detail: `${serves ?? 'nothing that an agent knows'} serves, wanted ${wanted}`,
  }
  return { service: 'release', critical: true, check: says('version', finding) }
}

function says(name: string, finding: Finding): Check {
  return { name, look: async () => finding }
}
