// A person who has never seen it follows the deployment guide on a server of the lab: every block, in order, as it stands on the page.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GUIDE, type GuideBlock, guideBlocks } from '../docs/guide.ts'
import { ensureRestic, type Lab, type Machine, startLab } from '../lab/index.ts'
import { UserRepository } from '../site/user-repository.ts'
import { usersFile } from '../site/users.ts'

const CHECKOUT = '/srv/guide'
const blocks = (await guideBlocks()).filter(({ where }) => where !== 'nowhere')

let lab: Lab
let server: Machine
const releases = { RELEASE: '', RELEASE_2: '' }

beforeAll(async () => {
  lab = await startLab({ servers: ['staging'] })
  server = lab.server('staging')
  const repository = await UserRepository.create(lab)
  releases.RELEASE = await repository.build()
  await repository.release('version-2.patch')
  releases.RELEASE_2 = await repository.build()
  await prepareAdministrator()
})
afterAll(() => lab?.down())

/** What the guide takes for granted: a checkout with the package, root's SSH with the known host key, a certificate, a list of users. */
async function prepareAdministrator(): Promise<void> {
  const { runner } = lab
  await runner.run(['sh', '-c', `mkdir -p ${CHECKOUT} /root/.ssh && git init -q ${CHECKOUT}`])
  await runner.copyIn(Buffer.from(`${server.hostname} ${server.hostKey}\n`), '/root/.ssh/known_hosts')
  await runner.copyIn(lab.sshKey, '/root/.ssh/id_ed25519', 0o600)
  const npx = '#!/bin/sh\n[ "$1" = pacs-deploy ] && shift && exec node /srv/pacs-deploy/dist/cli/index.js "$@"\n'
  await runner.copyIn(Buffer.from(npx), '/usr/local/sbin/npx', 0o755)
  await runner.copyIn(process.execPath, '/srv/brought/node', 0o755)
  await runner.copyIn(await ensureRestic(), '/srv/brought/restic', 0o755)
  const { certificate, key } = lab.files.authority.issued(server.hostname)
  await server.copyIn(certificate, '/root/tls.crt')
  await server.copyIn(key, '/root/tls.key')
  await server.copyIn(Buffer.from(usersFile()), '/root/app-users.json')
  // A team's own authority is among those that its servers trust.
  await server.copyIn(lab.ca, '/usr/local/share/ca-certificates/lab.crt')
  await server.run(['update-ca-certificates'])
}

/** A block with the names of this server in place of the guide's, and the files that a network without internet brings along. */
function asHere({ text }: GuideBlock): string {
  return text
    .replaceAll('staging.pacs.example.org', server.hostname)
    .replaceAll(
      /(pacs-deploy setup \S+)/g,
      '$1 --node /srv/brought/node --restic /srv/brought/restic --agent /srv/pacs-deploy/dist/agent/index.js',
    )
}

describe(GUIDE, () => {
  it.each(blocks.map((block) => [`line ${block.line}, ${block.where}`, block] as const))('%s', async (_name, block) => {
    const machine = block.where === 'server' ? server : lab.runner
    const cwd = block.where === 'server' ? '/root' : CHECKOUT
    const { code, stdout, stderr } = await machine.exec(['bash', '-euc', asHere(block)], { cwd, env: releases })
    expect(code, `${block.text}\n${stdout}\n${stderr}`).toBe(0)
  })

  it('leaves a server that serves, has proved a backup, and kept what tells of an incident', async () => {
    expect(await server.run(['sh', '-c', 'ls /root/incident-*.tar.gz | wc -l'])).toBe('1\n')
    const done = (await server.run(['pacs-agent', 'logs']))
      .split('\n')
      .filter((line) => /^verify-.*\bdone\b/.test(line))
    expect(done).toHaveLength(1)
    expect((await server.exec(['pacs-agent', 'health'])).code).toBe(0)
  })
})
