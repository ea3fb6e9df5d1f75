// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} is Compose's here
import { describe, expect, test } from 'vitest'
import { releaseIdSchema } from '../../../src/release/index.ts'
import {
  containerNames,
  i8,
  instanceName,
  liveDirectories,
  type Rendered,
  renderApp,
  renderCore,
} from '../../../src/stack/index.ts'
import { FIT, imagesOf, stackFrom } from './stack-from.ts'

const stack = stackFrom(FIT)
const images = imagesOf(stack)
const release = releaseIdSchema.parse('20261124t101500z-abc1234def01')

function app(revision: string): Rendered {
  const instance = instanceName(release, revision)
  return renderApp(stack, { instance, release, images, stackDirectory: '/r/stack', configDirectory: `/c/${revision}` })
}

/** An instance of a stack whose app is one service, with these lines in it. */
function renderAlone(lines: string): Rendered['document'] {
  const text = `services:
  edge:
    image: edge:1
    networks: { front: null }
  page:
    image: page:1
${lines}
    x-pacs: { port: 8000, ready: / }
networks:
  front: { name: ward-front }
`
  const alone = stackFrom(text)
  const instance = instanceName(release, '0123456789abcdef')
  const target = { instance, release, images: imagesOf(alone), stackDirectory: '/r', configDirectory: '/c' }
  return renderApp(alone, target).document
}

const core = renderCore(stack, { images, mountDirectory: (service) => `/s/${service}/HASH` })

test('an instance is a release with the first 8 digits of a config revision, and has a short name of its own', () => {
  expect(instanceName(release, '0123456789abcdef')).toBe('20261124t101500z-abc1234def01-01234567')
  // printf %s NAME | sha256sum
  expect(i8('20261124t101500z-abc1234def01-01234567')).toBe('361bf814')
})

describe('the project of an instance', () => {
  const rendered = app('0123456789abcdef')
  const service = rendered.document.services['api-361bf814']

  test('holds the app services alone, under names of its own', () => {
    expect(rendered.project).toBe('pacs-361bf814')
    expect(Object.keys(rendered.document.services)).toEqual(['api-361bf814', 'page-361bf814'])
    expect(rendered.services).toEqual([
      {
        name: 'api-361bf814',
        service: 'api',
        replicas: 2,
        containers: ['pacs-361bf814-api-361bf814-1', 'pacs-361bf814-api-361bf814-2'],
      },
      { name: 'page-361bf814', service: 'page', replicas: 1, containers: ['pacs-361bf814-page-361bf814-1'] },
    ])
    expect(containerNames(rendered, 'api')).toHaveLength(2)
    expect(containerNames(rendered, 'store')).toEqual([])
  })

  test('runs images by digest, and nothing is built or pulled by a tag', () => {
    expect(service?.image).toBe(`registry.example/ward/api@${images.api?.digest}`)
    expect(service).not.toHaveProperty('build')
    expect(JSON.stringify(rendered.document)).not.toContain('COMMIT')
  })

  test('labels each container with its instance and service, and keeps the labels of the team', () => {
    expect(service?.labels).toEqual({
      team: 'a',
      'pacs.instance': '20261124t101500z-abc1234def01-01234567',
      'pacs.release': '20261124t101500z-abc1234def01',
      'pacs.service': 'api',
    })
  })

  test('joins what the core shares and has a network of its own for plain names', () => {
    expect(service?.networks).toEqual({ default: { aliases: ['api'] }, data: null, front: null })
    expect(rendered.document.networks).toMatchObject({
      default: { name: 'pacs-361bf814', labels: { 'pacs.instance': '20261124t101500z-abc1234def01-01234567' } },
      data: { name: 'ward-data', external: true },
      front: { name: 'ward-front', external: true },
    })
  })

  test('has no network of its own when nobody in it could ask by a plain name', () => {
    const alone = renderAlone('    deploy: { update_config: { order: start-first } }\n    networks: { front: null }')
    expect(alone.services['page-361bf814']?.networks).toEqual({ front: null })
    expect(alone.networks).toEqual({ front: { name: 'ward-front', external: true } })
    const pair = renderAlone(
      '    deploy: { replicas: 2, update_config: { order: start-first } }\n    networks: { front: null }',
    )
    expect(pair.services['page-361bf814']?.networks).toEqual({ default: { aliases: ['page'] }, front: null })
    const unnamed = renderAlone('    deploy: { update_config: { order: start-first } }')
    expect(unnamed.services['page-361bf814']?.networks).toEqual({ default: { aliases: ['page'] } })
    expect(unnamed.networks).toMatchObject({ default: { name: 'pacs-361bf814' } })
  })

  test('gives each instance its own copy of a network that only app services use', () => {
    const text = FIT.replace(
      'networks: { data: { aliases: [] }, front: null }',
      'networks: { own: { aliases: [x] }, front: null }',
    )
    const other = stackFrom(
      text.replace('networks:\n  data:', 'networks:\n  own: { name: ward-own, internal: true }\n  data:'),
    )
    const instance = instanceName(release, '0123456789abcdef')
    const target = { instance, release, images, stackDirectory: '/r', configDirectory: '/c' }
    const { document } = renderApp(other, target)
    expect(document.networks.own).toMatchObject({ name: 'ward-own-361bf814', internal: true })
    expect(document.networks.own).not.toHaveProperty('external')
    expect(document.services['api-361bf814']?.networks).toMatchObject({ own: { aliases: ['api', 'x'] } })
  })

  test('joins the default network of the core under another key when it has a name', () => {
    const text = FIT.replaceAll('front: null', 'default: null').replace('  front: {', '  default: {')
    const instance = instanceName(release, '0123456789abcdef')
    const target = { instance, release, images, stackDirectory: '/r', configDirectory: '/c' }
    const { document } = renderApp(stackFrom(text), target)
    expect(document.networks).toMatchObject({
      default: { name: 'pacs-361bf814' },
      'default-shared': { name: 'ward-front', external: true },
    })
    expect(document.services['page-361bf814']?.networks).toEqual({
      default: { aliases: ['page'] },
      'default-shared': null,
    })
  })

  test('waits for services of the instance only', () => {
    expect(service?.depends_on).toEqual({ 'page-361bf814': { condition: 'service_started' } })
    expect(rendered.document.services['page-361bf814']).not.toHaveProperty('depends_on')
  })

  test('leaves out what only Swarm or the agent reads', () => {
    expect(service?.deploy).toEqual({ replicas: 2, resources: { limits: { memory: '64M' } } })
    expect(service).not.toHaveProperty('x-pacs')
  })

  test('takes secrets from the config revision', () => {
    expect(rendered.document.secrets).toEqual({ password: { file: '/c/0123456789abcdef/secrets/password' } })
    expect(service?.secrets).toEqual([{ source: 'password', target: 'other' }])
  })

  test('shares no service, container, alias or own network with another instance', () => {
    const other = app('ffffffff00000000')
    expect(other.project).not.toBe(rendered.project)
    expect(namesOf(rendered).filter((name) => namesOf(other).includes(name))).toEqual([])
  })

  test('leaves variables to the environment and leaves the stack as it was', () => {
    expect(service?.environment).toEqual({ TOKEN: '${TOKEN:?the token}' })
    expect(stack).toEqual({ ...stackFrom(FIT), sources: stack.sources })
  })
})

describe('the project of the core', () => {
  test('is as declared, with images by digest', () => {
    expect(core.project).toBe('pacs')
    expect(Object.keys(core.document.services)).toEqual(['store', 'edge'])
    expect(core.document.services.store).toMatchObject({
      image: `registry.example/ward/store@${images.store?.digest}`,
      networks: { data: null },
      ports: [{ target: 4242, published: '4242' }],
      environment: { SIZE: '${SIZE:-10}' },
    })
    expect(core.document.networks).toEqual({
      data: { name: 'ward-data', internal: true },
      front: { name: 'ward-front' },
    })
    expect(core.document.volumes).toEqual({ store: { name: 'ward-store' } })
    expect(containerNames(core, 'store')).toEqual(['pacs-store-1'])
  })

  test('mounts files and secrets of each service from its own directory, and never makes a missing one', () => {
    expect(core.document.services.store?.volumes).toEqual([
      { type: 'volume', source: 'store', target: '/data' },
      {
        type: 'bind',
        source: '/s/store/HASH/limits.json',
        target: '/limits.json',
        read_only: true,
        bind: { create_host_path: false },
      },
    ])
    expect(core.document.services.edge?.volumes).toMatchObject([
      { source: '${EDGE_DIR:-/s/edge/HASH/gate}' },
      { source: '/s/edge/HASH/gate' },
    ])
    expect(core.document.services.store?.secrets).toEqual([
      { source: 'store.password', target: '/run/secrets/password' },
    ])
    expect(core.document.secrets).toEqual({ 'store.password': { file: '/s/store/HASH/secrets/password' } })
  })

  test('has its live folders in a place of their own, where a service takes new files up on a signal', () => {
    const live = (name: string) => liveDirectories(stack, stack.services.get(name) ?? expect.fail(name))
    expect(live('edge')).toEqual([{ path: 'gate', target: '/etc/gate' }])
    expect(live('store')).toEqual([])
    const place = (service: string, path: string) => (live(service).some((one) => one.path === path) ? '/live' : '/s')
    const { document } = renderCore(stack, { images, mountDirectory: place })
    expect(document.services.edge?.volumes).toMatchObject([
      { source: '${EDGE_DIR:-/live/gate}' },
      { source: '/live/gate' },
    ])
    expect(document.services.store?.volumes).toContainEqual(expect.objectContaining({ source: '/s/limits.json' }))
  })

  test('waits for no app service, and answers to a container name that the team chose', () => {
    const text = FIT.replace(
      'image: store:1.2',
      'image: store:1.2\n    container_name: the-store\n    depends_on: { api: {}, edge: {} }',
    )
    const rendered = renderCore(stackFrom(text), { images, mountDirectory: () => '/m' })
    expect(rendered.document.services.store?.depends_on).toEqual({ edge: {} })
    expect(containerNames(rendered, 'store')).toEqual(['the-store'])
  })
})

test('a dollar sign in a directory does not become a variable', () => {
  const rendered = renderCore(stack, { images, mountDirectory: () => '/a$b' })
  expect(rendered.document.secrets).toEqual({ 'store.password': { file: '/a$$b/secrets/password' } })
})

test('a release without an image for a service is refused by name', () => {
  expect(() => renderCore(stack, { images: {}, mountDirectory: () => '/m' })).toThrow(/no image for service store/)
})

/** Every name by which something of an instance could be reached or collide. */
function namesOf({ document, services }: Rendered): string[] {
  const own = Object.values(document.networks).flatMap((network) =>
    network !== null && typeof network === 'object' && 'name' in network && !('external' in network)
      ? [String(network.name)]
      : [],
  )
  return [...services.flatMap(({ name, containers }) => [name, ...containers]), ...own]
}
