import { join } from 'node:path'
import { parse } from 'yaml'
import { digestSchema, type ReleaseManifest, repositorySchema, sha256 } from '../../../src/release/index.ts'
import { parseDefinition } from '../../../src/stack/definition.ts'
import { sourcesOf } from '../../../src/stack/sources.ts'
import { type Stack, stackOf } from '../../../src/stack/stack.ts'

/** A directory with files that a stack can mount. */
export const FIXTURE = join(import.meta.dirname, '../../fixtures/other-stack')

/**
 * A stack from the text of a Compose file in long syntax, which Compose would leave as it is; what Compose makes of the
 * short one is seen in test/integration/stack-model.test.ts.
 */
export function stackFrom(text: string): Stack {
  const sources = sourcesOf(new Map([['compose.yml', text]]))
  const definition = parseDefinition('compose.yml', parse(text, { merge: true }))
  return stackOf({ directory: FIXTURE, file: 'compose.yml', sources }, definition)
}

/** Images as a release would name them, one for each service. */
export function imagesOf(stack: Stack): ReleaseManifest['images'] {
  const images = [...stack.services.keys()].map((name) => [
    name,
    {
      ref: repositorySchema.parse(`registry.example/ward/${name}`),
      digest: sha256(name),
      config: digestSchema.parse(sha256(`${name} config`)),
      platform: 'linux/amd64',
      verdict: null,
    },
  ])
  return Object.fromEntries(images)
}

/** A fit stack: a core service with a volume and a secret, and two app services. */
export const FIT = `
services:
  store:
    image: store:1.2
    environment: { PASSWORD_FILE: /run/secrets/password, SIZE: '\${SIZE:-10}' }
    networks: { data: null }
    volumes:
      - { type: volume, source: store, target: /data }
      - { type: bind, source: ./limits.json, target: /limits.json, read_only: true }
    secrets: [{ source: password }]
    ports: [{ target: 4242, published: '4242' }]
  api:
    image: '\${PREFIX:-x}/api:\${TAG}'
    build: { context: ., args: { COMMIT: '\${COMMIT}' } }
    environment: { TOKEN: '\${TOKEN:?the token}' }
    networks: { data: { aliases: [] }, front: null }
    depends_on: { store: { condition: service_healthy }, page: { condition: service_started } }
    secrets: [{ source: password, target: other }]
    stop_grace_period: 1m30s
    healthcheck: { test: [CMD, node, health.js], interval: 5s }
    labels: [team=a]
    deploy: { replicas: 2, update_config: { order: start-first }, resources: { limits: { memory: 64M } } }
    x-pacs: { port: 3000, route: 'PathPrefix(\`/api\`)', ready: /ready, metrics: { port: 9464, in-flight: in_flight } }
  page:
    image: page:3
    networks: { front: null }
    stop_grace_period: 10s
    deploy: { update_config: { order: start-first } }
    x-pacs: { port: 8080, route: 'PathPrefix(\`/\`)', ready: /healthz, assets: /assets, bundle-budget: 600KiB }
  edge:
    image: traefik:v3
    networks: { front: null }
    volumes: [{ type: bind, source: '\${EDGE_DIR:-./gate}', target: /etc/dynamic }, { type: bind, source: ./gate, target: /etc/gate }]
    x-pacs: { critical: false, reload: SIGHUP }
networks:
  data: { name: ward-data, internal: true }
  front: { name: ward-front }
volumes:
  store: { name: ward-store }
secrets:
  password: { file: ./secrets/password }
`
