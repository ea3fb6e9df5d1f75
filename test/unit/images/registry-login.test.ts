import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withLogin } from '../../../src/images/registry-login.ts'

test.each([
  ['login attempt to https://ghcr.io/v2/ failed with status: 404 Not Found', /answered with a web page, no registry/],
  ['Error response from daemon: not found', /there is no registry; is the address right/],
])('a login that was not accepted is not taken for one: %s', async (said, message) => {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-login-'))
  try {
    await writeFile(join(directory, 'docker'), `#!/bin/sh\ncat >/dev/null\necho '${said}' >&2\nexit 1\n`, {
      mode: 0o755,
    })
    const options = {
      prefix: 'ghcr.io/org/pacs',
      directory: join(directory, 'config'),
      host: '',
      env: { PATH: `${directory}:/usr/bin:/bin` },
      signal: new AbortController().signal,
      log: () => undefined,
    }
    const login = { server: 'ghcr.io', username: 'ann', password: 'sentinel' }
    const worked = withLogin(login, options, async () => 'worked')
    await expect(worked).rejects.toMatchObject({ kind: 'refused', message: expect.stringMatching(message) })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
