import { expect, it } from 'vitest'
import { keysIn } from '../../../src/backup/cache.ts'

/** What comes of a saved file whose reader ends so. */
const read = (code: number, stdout: string) =>
  keysIn(async () => ({ code, stdout, stderr: '' }), 'redis:8', '/saved.rdb').catch((thrown: unknown) => thrown)

it('a saved file of Redis is damaged where its reader says so, not where the reader was ended', async () => {
  expect(await read(0, '[info] 7 keys read\n[offset 9] \\o/ RDB looks OK! \\o/')).toBe(7)
  expect(await read(1, '[offset 9] Unexpected EOF reading RDB file')).toMatchObject({
    kind: 'unhealthy',
    message: expect.stringMatching(/is damaged: .*Unexpected EOF/),
  })
  expect(await read(137, '')).toMatchObject({
    kind: 'error',
    message: 'the saved file of Redis was not read to its end: signal 9 ended its reader',
  })
})
