import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkConfig } from '../../../src/agent/server/check-config.ts'
import { Problems } from '../../../src/lib/index.ts'
import { FIT, stackFrom } from '../stack/stack-from.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-config-'))
  await mkdir(join(directory, 'secrets'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function problemsOf(env: Readonly<Record<string, string>>, text = FIT): Promise<readonly string[]> {
  const problems = new Problems()
  await checkConfig(stackFrom(text), { revision: 'c0ffee', directory, env, certificate: null }, problems)
  return problems.found
}

describe('a configuration', () => {
  it('that has all that the stack needs is fit', async () => {
    await writeFile(join(directory, 'secrets', 'password'), 'a password')
    expect(await problemsOf({ PACS_PUBLIC_HOST: 'pacs.example', TOKEN: 't' })).toEqual([])
  })

  it('is told at once of every value and file that it lacks, with who needs it and what to do', async () => {
    await writeFile(join(directory, 'secrets', 'password'), '')
    expect(await problemsOf({ TOKEN: '' })).toEqual([
      '.env: PACS_PUBLIC_HOST (the host name of the public entry) is missing; on the server, run "pacs-agent config edit"',
      expect.stringMatching(
        /^\.env: TOKEN is missing or empty, and api needs it \(compose\.yml:\d+\); on the server, run "pacs-agent config edit"$/,
      ),
      'config: secrets/password is missing or empty, and store needs it; put it in config/next/secrets/password',
      'config: secrets/password is missing or empty, and api needs it; put it in config/next/secrets/password',
    ])
  })

  it('is told of all services that need one value', async () => {
    await writeFile(join(directory, 'secrets', 'password'), 'a password')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose's
    const text = FIT.replace("SIZE: '${SIZE:-10}'", "SIZE: '${TOKEN}'")
    expect(await problemsOf({ PACS_PUBLIC_HOST: 'pacs.example' }, text)).toEqual([
      expect.stringContaining('TOKEN is missing or empty, and api, store need it'),
    ])
  })

  it('needs the passwords that x-pacs.data names, also one that no service mounts', async () => {
    await writeFile(join(directory, 'secrets', 'password'), 'a password')
    const data = 'x-pacs: { data: { kind: redis, user: backup, password: spare } }'
    const text = FIT.replace('image: store:1.2', `image: store:1.2\n    ${data}`)
    const spare = `${text}  spare: { file: ./secrets/spare }\n`
    expect(await problemsOf({ PACS_PUBLIC_HOST: 'pacs.example', TOKEN: 't' }, spare)).toEqual([
      'config: secrets/spare is missing or empty, and store needs it; put it in config/next/secrets/spare',
    ])
  })
})
