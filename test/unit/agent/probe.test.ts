import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ask, faultOf } from '../../../src/agent/server/probe.ts'
import { httpService } from '../../health/services.ts'
import { publicSite } from '../health/public-site.ts'

const timeout = 5000

it('the agent asks a port, a socket, and its own entry by a name that no certificate proves', async () => {
  await using plain = await httpService(({ headers, method, url }, response) => {
    response.end([method, headers.host, url, headers['x-one']].join(' '))
  })
  const at = { host: '127.0.0.1', port: plain.port }
  const answer = await ask({ at, method: 'POST', path: '/a?b=1', headers: { 'x-one': '1' }, timeout })
  expect(answer).toMatchObject({ status: 200, body: `POST 127.0.0.1:${plain.port} /a?b=1 1` })
  expect(faultOf(answer, 204)).toBe('status 200, wanted 204')

  const folder = await mkdtemp(join(tmpdir(), 'pacs-probe-'))
  const socketPath = join(folder, 'docker.sock')
  const engine = createServer(({ headers, url }, response) => void response.end(`${headers.host} ${url}`))
  engine.listen(socketPath)
  await once(engine, 'listening')
  expect(await ask({ at: { socketPath }, path: '/info', timeout })).toMatchObject({ body: 'localhost /info' })
  engine.close()
  await rm(folder, { recursive: true })

  await using entry = await publicSite(({ headers }, response) => void response.end(headers.host))
  const own = { host: '127.0.0.1', port: Number(new URL(entry.url).port) }
  // A name that no resolver knows: the connection goes where it is said.
  const tls = { servername: 'pacs.invalid' }
  expect(await ask({ at: own, path: '/', tls, timeout })).toMatchObject({ status: 200, body: 'pacs.invalid' })
  expect(await ask({ at: { host: '127.0.0.1', port: 9 }, path: '/', timeout })).toHaveProperty('error')
})
