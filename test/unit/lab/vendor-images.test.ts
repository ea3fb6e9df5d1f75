import { describe, expect, test } from 'vitest'
import { LabError } from '../../lab/index.ts'
import { repositoryPath } from '../../lab/library.ts'
import { standInFor } from '../../lab/stand-ins.ts'
import { imagesOfCompose, imagesOfDockerfile, vendorImages } from '../../lab/vendor-images.ts'

describe('the images that a stack names', () => {
  test('are those of FROM lines, not the stages of the file itself nor scratch', () => {
    const dockerfile = `
ARG NODE=24.19-slim
FROM --platform=linux/amd64 node:\${NODE} AS build
RUN echo FROM nowhere
FROM build AS test
from nginxinc/nginx-unprivileged:1.30.4-alpine
FROM scratch`
    expect(imagesOfDockerfile(dockerfile)).toEqual(['node:24.19-slim', 'nginxinc/nginx-unprivileged:1.30.4-alpine'])
  })

  test('are those of services that are not built', () => {
    const compose =
      'services: { proxy: { image: "traefik:v3.7.15" }, app: { image: "x/app:1", build: . }, worker: { build: . } }'
    expect(imagesOfCompose(compose)).toEqual(['traefik:v3.7.15'])
  })

  test('all have a stand-in in the shipped stack', async () => {
    const images = await vendorImages()
    expect(images).not.toEqual([])
    for (const image of images) expect(() => standInFor(image)).not.toThrow()
  })

  test('are not those of what may be laid over it, which are built when a test asks', async () => {
    const exporter = 'percona/mongodb_exporter:0.53'
    expect(() => standInFor(exporter)).not.toThrow()
    expect(await vendorImages()).not.toContain(exporter)
  })
})

describe('a stand-in', () => {
  test('is found under every way to write a name of Docker Hub', () => {
    expect(standInFor('docker.io/library/node:24-slim')).toBe(standInFor('node:24.19-slim'))
  })

  test.each([
    ['mysql:9', 'nothing in the lab stands in for mysql:9'],
    ['node:24-slim@sha256:00', 'nothing in the lab stands in for node:24-slim@sha256:00'],
    ['node:22-slim', 'not for "22-slim"'],
    ['traefik:v3.8.0', 'not for "v3.8.0"'],
    ['traefik', 'not for "latest"'],
  ])('is refused for %s', (reference, message) => {
    expect(() => standInFor(reference)).toThrow(LabError)
    expect(() => standInFor(reference)).toThrow(message)
  })
})

test("a mirror of Docker Hub keeps the vendor's path, and library/ before official images", () => {
  expect(repositoryPath('node:24')).toBe('library/node:24')
  expect(repositoryPath('docker.io/orthancteam/orthanc:26.8.1')).toBe('orthancteam/orthanc:26.8.1')
})
