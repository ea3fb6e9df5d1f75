import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { requirePassword } from '../../../src/agent/data/password.ts'

it('refuses a missing or empty password of the repositories by the name under which a person knows it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-password-'))
  const passwordFile = join(directory, 'restic-password')
  const plan = { repository: { location: '/nowhere', passwordFile, env: {} } }
  const refusal = { kind: 'bad-input', message: expect.stringContaining('config: secrets/restic-password is missing') }
  try {
    await expect(requirePassword(plan)).rejects.toMatchObject(refusal)
    await writeFile(passwordFile, '\n')
    await expect(requirePassword(plan)).rejects.toMatchObject(refusal)
    await writeFile(passwordFile, 'a password\n')
    await expect(requirePassword(plan)).resolves.toBeUndefined()
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
