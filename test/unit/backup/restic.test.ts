import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Restic } from '../../../src/backup/restic.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-restic-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const PASSWORD = 'of-the-vault'

const REFUSED = `Post "http://vault:${PASSWORD}@store:8000/data/": dial tcp 10.0.0.9:8000: connect: connection refused`

/** A copy by a program that says on its standard error, as restic 0.18 does, which operations it tries again, then does `then`. */
async function copyThatRetries(operations: readonly string[], then: string, why = REFUSED): Promise<void> {
  const program = join(directory, 'restic')
  const said = operations.map((name) => `Save(<data/${name}>) returned error, retrying after 1.5s: ${why}`).join('\n')
  await writeFile(program, `#!/bin/sh\ncat >&2 <<'EOT'\n${said}\nEOT\n${then}\n`, { mode: 0o755 })
  const at = (location: string) =>
    new Restic(program, { location, passwordFile: '/password' }, process.env.PATH ?? '', directory)
  await at(`rest:http://vault:${PASSWORD}@store:8000/backups`).copyFrom(at('/backups'), ['1f2e3d4c'])
}

describe('a copy', () => {
  it('in which one operation is tried seven times again is ended with the reason and no password', async () => {
    const thrown = await copyThatRetries(Array(7).fill('0a1b'), 'exec sleep 60').catch((error: unknown) => error)
    expect(thrown).toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(
        /^the way between \/backups and rest:http:\S+ broke: Post .*connection refused; ask again, it goes on$/,
      ),
    })
    expect(String(thrown)).not.toContain(PASSWORD)
  })

  it('into a store that is full says so, however often restic asks it', async () => {
    const full = 'server response unexpected: 507 Insufficient Storage (507)'
    await expect(copyThatRetries(Array(7).fill('0a1b'), 'exec sleep 60', full)).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/the disk is full; free some room/),
    })
  })

  it('in which each is tried again six times goes on', async () => {
    await copyThatRetries([...Array(6).fill('0a1b'), ...Array(6).fill('2c3d')], 'exit 0')
  })
})

it.each([
  ['is copied from', (first: Restic, second: Restic) => first.copyFrom(second, ['1f2e3d4c'])],
  ['a repository is made like', (first: Restic, second: Restic) => first.init(second)],
])('the password in the location of what %s stands in no argument', async (_what, ask) => {
  const program = join(directory, 'restic-that-tells')
  const said = join(directory, 'said')
  const lines = [`printf '%s\\n' "$@" >${said}.args`, `echo "$RESTIC_FROM_REPOSITORY" >${said}.env`]
  await writeFile(program, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 })
  const at = (location: string) => new Restic(program, { location, passwordFile: '/password' }, '/bin', directory)
  const from = `rest:http://vault:${PASSWORD}:2@nine@store:8000/backups`
  await ask(at('/backups'), at(from))
  expect(await readFile(`${said}.args`, 'utf8')).not.toContain(PASSWORD)
  expect(await readFile(`${said}.env`, 'utf8')).toBe(`${from}\n`)
  expect(at(from).redact(from)).not.toMatch(/of-the-vault|:2@|nine/)
})
