import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { releaseManifestSchema, sha256 } from '../../src/release/index.ts'
import { build, IMAGE_STORES, PREFIX, pushOptions, resultOf, startBench, useImageStore } from '../images/bench.ts'
import { makeCheckout, type SampleCheckout } from '../images/checkout.ts'
import { call, type Outcome } from '../images/in-runner.ts'
import { pushResultSchema } from '../images/protocol.ts'
import { publishIndex, TINY } from '../images/vendor-images.ts'
import type { Lab } from '../lab/index.ts'

const readSchema = z.object({ manifest: releaseManifestSchema, stackDirectory: z.string(), agentFile: z.string() })

let lab: Lab
beforeAll(async () => {
  lab = await startBench()
})
afterAll(() => lab?.down())

describe.each(IMAGE_STORES)('release image on the image store %s', (store) => {
  let checkout: SampleCheckout
  let release: string
  beforeAll(async () => {
    await useImageStore(lab, store)
    checkout = await makeCheckout(lab.runner, '/srv/sample', {
      vendor: TINY,
      files: { 'stack/scripts/hello.sh': '#!/bin/sh\n', 'stack/.env': 'SECRET=1\n', 'stack/secrets/key': 'secret\n' },
    })
    const draft = await build(lab, checkout)
    const pushed = await call(lab.runner, { use: 'push', options: pushOptions(checkout, draft) })
    release = pushResultSchema.parse(resultOf(pushed)).release
  })

  const read = async (reference: string, into = '/srv/read'): Promise<Outcome> => {
    await lab.runner.run(['rm', '-rf', into])
    await lab.runner.run(['mkdir', into])
    return call(lab.runner, { use: 'read', options: { release: reference, into } })
  }

  test('comes out as it went in, without what belongs to one machine', async () => {
    const { manifest, stackDirectory, agentFile } = readSchema.parse(resultOf(await read(release)))
    expect(manifest.commit).toBe(checkout.commit)
    expect(await lab.runner.run(['find', stackDirectory, '-type', 'f', '-printf', '%P %m\n'])).toEqual(
      expect.stringMatching(/^scripts\/hello.sh 755$/m),
    )
    const files = (await lab.runner.run(['find', stackDirectory, '-type', 'f', '-printf', '%P\n'])).split('\n').sort()
    expect(files).toEqual(['Dockerfile', 'docker-compose.prod.yml', 'scripts/hello.sh', 'settings.conf'])
    for (const file of files) {
      expect(await lab.runner.readText(`${stackDirectory}/${file}`)).toBe(
        await lab.runner.readText(`/srv/sample/stack/${file}`),
      )
    }
    expect(await lab.runner.readText(agentFile)).toBe('// the agent')
  })

  test('is pulled when the engine does not have it, and leaves no container behind', async () => {
    await lab.runner.run([
      'sh',
      '-c',
      'docker image ls -q --filter label=org.pacs-deploy.kind | xargs docker image rm -f',
    ])
    resultOf(await read(release))
    expect(await lab.runner.run(['docker', 'ps', '--all', '--quiet'])).toBe('')
  })

  test('refuses what is no release of this version, in one line', async () => {
    const other = `${PREFIX}/forged`
    const digests: Record<string, string> = {}
    const good = readSchema.parse(resultOf(await read(release))).manifest
    const forge = async (
      name: string,
      change: { kind?: string; manifest?: unknown; extra?: string; without?: string; hash?: string },
    ) => {
      const folder = `/srv/forge-${name}`
      await lab.runner.run(['rm', '-rf', folder])
      await lab.runner.run(['cp', '-r', '/srv/read', folder])
      if (change.manifest) {
        await lab.runner.copyIn(Buffer.from(JSON.stringify(change.manifest)), `${folder}/release.json`)
      }
      if (change.extra) await lab.runner.copyIn(Buffer.from('X=1\n'), `${folder}/${change.extra}`)
      if (change.without) await lab.runner.run(['rm', '-r', `${folder}/${change.without}`])
      digests[name] = await publish(lab, `${other}:${name}`, folder, change)
    }
    await Promise.all([
      forge('plain', { kind: 'something' }),
      forge('schema', { manifest: { ...good, schema: 2 } }),
      forge('unknown', { manifest: { ...good, surprise: 1 } }),
      forge('stack', { extra: 'stack/.env' }),
      forge('agent', { extra: 'agent/index.js' }),
      forge('cut', { without: 'agent' }),
      // It says the same, in other bytes.
      forge('changed', { manifest: good, hash: await manifestHash(lab, '/srv/read') }),
      forge('unlabelled', { hash: '' }),
    ])
    await publishIndex(lab.runner, `${other}:index`, [`${other}:plain`])
    digests.index = await digestOf(lab, `${other}:index`)
    digests.absent = sha256('nowhere')

    const expected: [string, string, RegExp][] = [
      ['plain', 'bad-input', /is no release image \(no label org.pacs-deploy.kind=release\)/],
      ['schema', 'bad-input', /has schema 2, this version reads schema 1/],
      ['unknown', 'bad-input', /is no release manifest: .*surprise/],
      ['stack', 'refused', /its stack files have the hash sha256:[0-9a-f]+, its manifest says sha256:/],
      ['agent', 'refused', /its agent has the hash sha256:[0-9a-f]+, its manifest says sha256:/],
      ['cut', 'bad-input', /is no complete release image: it has no \/agent/],
      ['changed', 'refused', /^release.json of \S+ has the hash sha256:[0-9a-f]+, kept of it is sha256:[0-9a-f]+: it/],
      ['unlabelled', 'refused', /^release.json of \S+ has the hash sha256:[0-9a-f]+, kept of it is none: it/],
      ['index', 'refused', /is an index of several platforms, not one image/],
      ['absent', 'bad-input', /the registry has no such image/],
    ]
    const outcomes = await Promise.all(
      expected.map(([name]) => read(`${other}@${digests[name]}`, `/srv/read-forged-${name}`)),
    )
    for (const [index, [, kind, message]] of expected.entries()) {
      const failure = outcomes[index]?.failure
      expect(failure).toEqual({ kind, message: expect.stringMatching(message) })
      expect(failure?.message).not.toContain('\n')
    }
    expect(await lab.runner.run(['docker', 'ps', '--all', '--quiet'])).toBe('')
  })

  test('is kept by the agent of a server only when a scan has judged each of its images', async () => {
    const releases = '/srv/releases'
    await lab.runner.run(['sh', '-c', `rm -rf ${releases} && mkdir ${releases}`])
    const fetch = (reference: string) => call(lab.runner, { use: 'fetch', options: { release: reference, releases } })
    const { manifest } = readSchema.parse(resultOf(await read(release, '/srv/unjudged')))
    const images = Object.entries(manifest.images).map(([name, image]) => [
      name,
      name === 'queue' ? { ...image, verdict: null } : image,
    ])
    const unjudged = { ...manifest, images: Object.fromEntries(images) }
    await lab.runner.copyIn(Buffer.from(JSON.stringify(unjudged)), '/srv/unjudged/release.json')
    const name = `${PREFIX}/unjudged`
    const digest = await publish(lab, `${name}:1`, '/srv/unjudged')
    const refusal = { kind: 'refused', message: expect.stringMatching(/no scan has judged the image of queue: build/) }
    expect((await fetch(`${name}@${digest}`)).failure).toEqual(refusal)
    expect(await lab.runner.run(['ls', '-A', releases])).toBe('')

    expect(resultOf(await fetch(release))).toMatchObject({ id: manifest.id, reference: release })
    expect(await lab.runner.run(['ls', '-A', releases])).toBe(manifest.id)

    // As after a power cut: the names are there, the content of a file is not.
    const file = `${releases}/${manifest.id}/release.json`
    await lab.runner.run(['truncate', '--size', '0', file])
    expect(resultOf(await fetch(release))).toMatchObject({ id: manifest.id, reference: release })
    expect(await lab.runner.run(['wc', '-c', file])).not.toMatch(/^0 /)
    expect(await lab.runner.run(['ls', '-A', releases])).toBe(manifest.id)
  })
})

/** @param labels what the image says of itself, where that is not what a release image says */
async function publish(
  lab: Lab,
  name: string,
  folder: string,
  { kind = 'release', hash }: { kind?: string; hash?: string } = {},
): Promise<string> {
  const labels = [
    `org.pacs-deploy.kind=${kind}`,
    `org.pacs-deploy.manifest=${hash ?? (await manifestHash(lab, folder))}`,
  ].flatMap((label) => ['--label', label])
  const options = ['--provenance=false', '--sbom=false', '--load', ...labels]
  await lab.runner.run(['docker', 'buildx', 'build', ...options, '--no-cache', '--tag', name, '--file', '-', folder], {
    input: 'FROM scratch\nCOPY . /\n',
  })
  await lab.runner.run(['docker', 'push', name])
  return digestOf(lab, name)
}

async function manifestHash(lab: Lab, folder: string): Promise<string> {
  const said = await lab.runner.run(['sha256sum', `${folder}/release.json`])
  return `sha256:${said.slice(0, 64)}`
}

/** The digest that the registry itself gives for a tag. */
async function digestOf(lab: Lab, name: string): Promise<string> {
  const [, path = '', tag = ''] = /^[^/]+\/(.+):([^:]+)$/.exec(name) ?? []
  const types = [
    'application/vnd.docker.distribution.manifest.v2+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.oci.image.index.v1+json',
  ]
  const head = await lab.runner.run([
    ...['curl', '-fsSI', '--cacert', '/etc/docker/certs.d/registry.lab:5000/ca.crt'],
    ...types.flatMap((type) => ['-H', `Accept: ${type}`]),
    `https://registry.lab:5000/v2/${path}/manifests/${tag}`,
  ])
  return /^docker-content-digest: (sha256:[0-9a-f]{64})/im.exec(head)?.[1] ?? 'no digest'
}
