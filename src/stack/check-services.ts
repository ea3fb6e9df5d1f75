import { isEdge } from './edge.ts'
import type { Report } from './finding.ts'
import type { Path } from './sources.ts'
import { networksOf, type Stack, type StackService, servicesOf } from './stack.ts'

/** What a service must have, and must not have, so that the agent can run it. */
export function* checkServices(stack: Stack): Generator<Report> {
  if (servicesOf(stack, 'app').length === 0) {
    const message =
      'no service has deploy.update_config.order: start-first, so there is nothing to deploy without a gap'
    yield { rule: 'app', message, path: ['services'] }
  }
  for (const service of stack.services.values()) {
    const path = ['services', service.name]
    if (service.definition.env_file !== undefined) {
      const message =
        'env_file would put its values into the rendered file: name each variable under environment instead'
      yield { rule: 'env_file', message, path: [...path, 'env_file'] }
    }
    if (!service.build && service.image === undefined) {
      yield { rule: 'image', message: 'has neither image nor build', path }
    }
    yield* service.kind === 'app' ? checkApp(stack, service, path) : checkCore(stack, service, path)
  }
  yield* checkRoutes(stack)
}

/** Keys that a second instance beside the first would collide on, or that tie a service to another one by name. */
const NOT_BESIDE: Readonly<Record<string, string>> = {
  container_name:
    'two instances cannot have one name, so no deploy would start the second: leave it out (no reason can allow it)',
  ports:
    'two instances cannot publish one port, so no deploy would start the second: leave it out, Traefik reaches the container by x-pacs.port (no reason can allow it)',
  network_mode: 'the agent gives each instance its own network: leave it out',
  links: 'services find each other by name: leave it out',
  external_links: 'services find each other by name: leave it out',
  volumes_from: 'name the volumes themselves',
}

function* checkApp(stack: Stack, service: StackService, path: Path): Generator<Report> {
  const { pacs, definition } = service
  for (const [key, why] of Object.entries(NOT_BESIDE)) {
    const value = definition[key]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
    yield { rule: 'start-first', message: `${key} on a start-first service: ${why}`, path: [...path, key] }
  }
  for (const key of ['ipc', 'pid', 'uts'] as const) {
    if (!/^(?:service|container):/.test(String(definition[key]))) continue
    yield {
      rule: 'start-first',
      message: `${key} of another container on a start-first service: leave it out`,
      path: [...path, key],
    }
  }
  if (definition.stop_grace_period === undefined) {
    const message = 'a start-first service needs stop_grace_period: so long may running requests take to finish'
    yield { rule: 'start-first', message, path }
  }
  for (const key of ['port', 'ready'] as const) {
    // A value that cannot be read has its own finding.
    if (pacs[key] !== undefined || isWritten(definition['x-pacs'], key)) continue
    const what = key === 'port' ? 'port (where it answers HTTP)' : 'ready (the path that answers 200 once it can serve)'
    yield { rule: 'start-first', message: `a start-first service needs x-pacs.${what}`, path: [...path, 'x-pacs'] }
  }
  if (pacs.edge !== undefined) {
    const message = 'x-pacs.edge is for the core service that is the edge: the names of its middlewares stand here'
    yield { rule: 'x-pacs', message, path: [...path, 'x-pacs', 'edge'] }
  }
  if (pacs.reload !== undefined) {
    const message = 'x-pacs.reload is for core services: a start-first one gets new files with its next instance'
    yield { rule: 'x-pacs', message, path: [...path, 'x-pacs', 'reload'] }
  }
  yield* checkAppNetworks(stack, service, path)
}

function* checkAppNetworks(stack: Stack, service: StackService, path: Path): Generator<Report> {
  const shared = new Set(servicesOf(stack, 'core').flatMap((core) => [...networksOf(core).keys()]))
  const joined = networksOf(service)
  for (const [network, attachment] of joined) {
    const at = [...path, 'networks', network]
    if (shared.has(network) && attachment?.aliases?.length) {
      const message = `aliases on ${network}, which core services share: two instances would answer to one name; leave them out`
      yield { rule: 'start-first', message, path: at }
    }
    if (attachment && ('ipv4_address' in attachment || 'ipv6_address' in attachment)) {
      const message = `a fixed address on ${network}: two instances cannot have one; leave it out`
      yield { rule: 'start-first', message, path: at }
    }
    if (!shared.has(network) && hasSubnet(stack.networks.get(network)?.ipam)) {
      const message = `network ${network} of start-first services has a fixed subnet: each instance has a network of its own; leave ipam out`
      yield { rule: 'start-first', message, path: ['networks', network, 'ipam'] }
    }
  }
  const common = [...joined.keys()].filter((network) => shared.has(network))
  if (service.pacs.route !== undefined) yield* checkReach(stack, service, common, [...path, 'networks'])
}

/** @param common the networks that a service with a route shares with core services */
function* checkReach(stack: Stack, { pacs }: StackService, common: readonly string[], at: Path): Generator<Report> {
  if (common.length === 0) {
    const message = `has x-pacs.route, but no network with a core service: nothing that serves the public entry could reach it`
    yield { rule: 'network', message, path: at }
    return
  }
  // A release that nothing asked may serve on a server, reached or not, and must stay one that can be gone back to.
  const edge = pacs.checks.length > 0 ? servicesOf(stack, 'core').find(isEdge) : undefined
  if (edge === undefined) return
  const nameOf = (network: string) => stack.networks.get(network)?.name ?? network
  const reached = [...networksOf(edge).keys()]
  // One that has the network of another container names none.
  if (reached.length === 0 || common.some((network) => reached.map(nameOf).includes(nameOf(network)))) return
  const message = `has x-pacs.route, but no network with ${edge.name}, the edge: every request would be a 502; list ${reached.join(' or ')} under networks`
  yield { rule: 'network', message, path: at }
}

function* checkCore(stack: Stack, service: StackService, path: Path): Generator<Report> {
  for (const name of service.dependsOn) {
    if (stack.services.get(name)?.kind !== 'app') continue
    const message = `depends_on ${name}, a start-first service: core services start before any instance; leave it out`
    yield { rule: 'depends_on', message, path: [...path, 'depends_on', name] }
  }
  for (const key of ['route', 'assets', 'middlewares', 'routes'] as const) {
    if (!isWritten(service.definition['x-pacs'], key)) continue
    const message = `x-pacs.${key} is for start-first services (deploy.update_config.order: start-first): nothing routes to a core service`
    yield { rule: 'x-pacs', message, path: [...path, 'x-pacs', key] }
  }
}

function* checkRoutes(stack: Stack): Generator<Report> {
  const first = new Map<string, string>()
  for (const { name, pacs } of servicesOf(stack, 'app')) {
    if (pacs.route === undefined) continue
    for (const route of [pacs.route, ...pacs.routes.map((one) => one.route)]) {
      const rule = route.replaceAll(/\s+/g, '')
      const other = first.get(rule)
      if (other === undefined) first.set(rule, name)
      else {
        const message = `x-pacs.route ${route} is that of ${other} too: only one of them would get requests`
        yield { rule: 'route', message, path: ['services', name, 'x-pacs', 'route'] }
      }
    }
  }
}

function isWritten(pacs: unknown, key: string): boolean {
  return pacs !== null && typeof pacs === 'object' && key in pacs
}

function hasSubnet(ipam: unknown): boolean {
  return JSON.stringify(ipam ?? null).includes('"subnet"')
}
