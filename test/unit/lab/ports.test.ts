import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { freePorts } from '../../lab/index.ts'

it('gives no port twice, to callers side by side neither, and none that outgoing connections may have', async () => {
  const given = (await Promise.all([freePorts(3), freePorts(1), freePorts(2), freePorts(3)])).flat()
  expect(new Set(given).size).toBe(9)
  for (const port of given) expect(port).toBeLessThan(32_768)
})

it('leaves out one on which somebody listens', async () => {
  const [next = 0] = await freePorts(1)
  const server = createServer().listen(next + 1, '127.0.0.1')
  await once(server, 'listening')
  try {
    expect(await freePorts(2)).not.toContain(next + 1)
  } finally {
    server.close()
  }
})
