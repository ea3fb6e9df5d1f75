import { INSTANCE_HEADER } from '../../stack/index.ts'
import type { Instance, RunningService, State } from './state.ts'

/** Carries the secret that leads a request to the candidate before the switch. */
export const PREVIEW_HEADER = 'X-Pacs-Preview'

/** A certificate with its key, both as PEM text. */
export interface Certificate {
  certificate: string
  key: string
}

interface Router {
  rule: string
  service: string
  middlewares: string[]
  priority?: number
}

type Route = RunningService['routes'][number]

/** What Traefik serves: routers by name, and the text of its dynamic file. */
export interface Traffic {
  /** Router name → service name, as Traefik's API must show them. */
  routers: ReadonlyMap<string, string>
  text: string
}

// Traefik's default priority is the length of the rule; these lie above any rule that a person writes.
const ASSETS_PRIORITY = 100_000
const PREVIEW_PRIORITY = 200_000

/**
 * Traefik's dynamic file as a pure function of the state: the public routers go to the serving instance (to the candidate
 * once switched), the preview header to a staged candidate, and the asset prefix of the other living release to that one, so
 * that its pages keep working. JSON is YAML, hence one `.yml` file.
 */
export function trafficOf(state: State, certificate: Certificate | null): Traffic {
  const { serving, candidate } = state
  const switched = state.phase === 'switched'
  const receiver = switched ? candidate : serving
  const living = [switched ? serving : candidate, state.warm?.instance ?? null, state.undone?.instance ?? null].filter(
    (one) => one !== null,
  )
  const routers: Record<string, Router> = {}
  const used = new Map<string, { instance: Instance; service: RunningService }>()

  const route = (
    name: string,
    { rule, middlewares }: Route,
    instance: Instance,
    service: RunningService,
    priority?: number,
  ) => {
    const target = `${service.name}-${instance.i8}`
    used.set(target, { instance, service })
    routers[name] = {
      rule,
      service: target,
      middlewares: [`instance-${instance.i8}`, ...middlewares.map((one) => `${one}-${instance.i8}`)],
      ...(priority === undefined ? {} : { priority: priority + rule.length }),
    }
  }

  for (const service of receiver?.services ?? []) {
    for (const [which, one] of routesOf(service)) {
      if (receiver) route(`public${which}-${service.name}`, one, receiver, service)
    }
  }
  for (const instance of living) {
    if (instance.commit === receiver?.commit) continue
    for (const service of instance.services) {
      if (!service.assets) continue
      const rule = `PathPrefix(\`${service.assets}/${instance.commit}/\`)`
      const { middlewares } = service
      route(`assets-${service.name}-${instance.i8}`, { rule, middlewares }, instance, service, ASSETS_PRIORITY)
    }
  }
  if (candidate && state.phase === 'staging') {
    for (const service of candidate.services) {
      for (const [which, { rule, middlewares }] of routesOf(service)) {
        const preview = `(${rule}) && Header(\`${PREVIEW_HEADER}\`, \`${candidate.preview}\`)`
        const name = `preview${which}-${service.name}`
        route(name, { rule: preview, middlewares }, candidate, service, PREVIEW_PRIORITY)
      }
    }
  }

  const services = Object.fromEntries(
    [...used].map(([name, { service }]) => [
      name,
      {
        loadBalancer: {
          servers: service.containers.map((container) => ({ url: `http://${container}:${service.port}` })),
        },
      },
    ]),
  )
  const middlewares = Object.fromEntries(
    [...used.values()].flatMap(({ instance }): [string, unknown][] => [
      [`instance-${instance.i8}`, { headers: { customResponseHeaders: { [INSTANCE_HEADER]: instance.i8 } } }],
      ...Object.entries(instance.edge?.middlewares ?? {}).map(([name, one]): [string, unknown] => [
        `${name}-${instance.i8}`,
        one,
      ]),
    ]),
  )
  // Traefik refuses a section that is present but empty ("routers cannot be a standalone element").
  const http = used.size === 0 ? {} : { http: { routers, services, middlewares } }
  // Traefik takes the PEM text itself where a path is meant, so one rename changes routes and certificate together.
  const options = receiver?.edge?.tls ?? {}
  const tls = {
    ...(certificate ? { certificates: [{ certFile: certificate.certificate, keyFile: certificate.key }] } : {}),
    ...(Object.keys(options).length > 0 ? { options } : {}),
  }
  return {
    routers: new Map(Object.entries(routers).map(([name, router]) => [name, router.service])),
    text: `${JSON.stringify({ ...http, ...(Object.keys(tls).length > 0 ? { tls } : {}) }, null, 1)}\n`,
  }
}

/**
 * What leads to a service: its route, and the exceptions to it, whose longer rules go first. Each with its number for the router's
 * name, where it stands before the first dash, since behind that a service could have any name.
 */
function routesOf({ route, middlewares, routes }: RunningService): [which: string, route: Route][] {
  if (route === null) return []
  return [['', { rule: route, middlewares }], ...routes.map((one, index): [string, Route] => [`${index + 1}`, one])]
}
