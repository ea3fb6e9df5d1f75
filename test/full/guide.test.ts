// A person who has never seen it follows the deployment guide on a server of the lab: every block, in order, as it stands on the page.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GUIDE, guideBlocks } from '../docs/guide.ts'
import { runbookCommands } from '../docs/runbooks.ts'
import { ensureRestic, type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'
import { JOBS, pageBlock, startBesideAgent, targetsOf } from '../monitoring/beside-agent.ts'
import { UserRepository } from '../site/user-repository.ts'
import { usersFile } from '../site/users.ts'

const CHECKOUT = '/srv/guide'
/** What the health check of the timer writes, and how sed prints what is down. */
const figures = '/opt/pacs/metrics/health.prom'
const DOWN = '/^pacs_health_check_up{.*} 0/p'
const blocks = (await guideBlocks()).filter(({ where }) => where !== 'nowhere')

let lab: Lab
let server: Machine
const releases = { RELEASE: '', RELEASE_2: '' }
/** All that set-up said. */
const said: string[] = []

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

/** What the guide takes for granted: a checkout with the package, root's SSH with the known host key, a certificate and its authority, a list of users. */
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
  await server.copyIn(lab.ca, '/root/house-ca.crt')
  // The lab's servers trust its authority from the beginning; one as Debian makes it does not.
  await server.run(['update-ca-certificates'])
}

/** The secrets that set-up made whose content stands in what it said or in its records. */
async function secretsShown(): Promise<string[]> {
  const folder = '/opt/pacs/config/next/secrets'
  const records = '/var/lib/pacs-setup'
  // Before the first set-up there is none.
  const names = (await server.exec(['ls', folder])).stdout.split('\n').filter((name) => name !== '')
  if (names.length === 0) return []
  expect(names).toContain('mongodb-root-password')
  const kept = await server.run(['sh', '-c', `cat ${records}/changes.jsonl ${records}/installation.json`])
  const shown = [...said, kept].join('\n')
  expect(shown).toContain(`${folder}/mongodb-root-password: made`)
  const contents = await Promise.all(
    names.map(async (name) => [name, (await server.run(['cat', `${folder}/${name}`])).trim()] as const),
  )
  return contents.flatMap(([name, content]) => (shown.includes(content) ? [name] : []))
}

/** What a person does in the editor: a second modality. */
const EDITOR = 'sed -i s/104]}/104],"mr1":["MR1","10.20.0.12",104]}/'

/** A block with the names of this server in place of the guide's, and the files that a network without internet brings along. */
function asHere(text: string): string {
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
    // What only looks is asked of a server that has caught up with what was done to it.
    if (/pacs-agent health/.test(block.text) && !/pacs-agent (?:deploy|rollback)/.test(block.text)) {
      const isWell = async () => (await server.exec(['pacs-agent', 'health'])).code === 0
      await waitFor('the server to be well', isWell, 120_000)
    }
    const env = { ...releases, EDITOR }
    const { code, stdout, stderr } = await machine.exec(['bash', '-euc', asHere(block.text)], { cwd, env })
    expect(code, `${block.text}\n${stdout}\n${stderr}`).toBe(0)
    if (/pacs-deploy setup/.test(block.text)) {
      said.push(stdout, stderr)
      // Right after it: a later block gives some of them new values.
      expect(await secretsShown()).toEqual([])
    }
  })

  it('leaves a server that serves, has proved a backup, and kept what tells of an incident', async () => {
    expect(await server.run(['sh', '-c', 'ls /root/incident-*.tar.gz | wc -l'])).toBe('1')
    const done = (await server.run(['pacs-agent', 'logs']))
      .split('\n')
      .filter((line) => / verify-\S+ +done /.test(line))
    // One on every level, and one of the repository with its new password.
    expect(done).toHaveLength(2)
    expect((await server.exec(['pacs-agent', 'health'])).code).toBe(0)
    expect(await server.run(['docker', 'inspect', '--format', '{{.Config.Env}}', 'pacs-orthanc-1'])).toContain('MR1')
    // The health check that its timer runs is no root, and sees every service all the same.
    await server.run(['systemctl', 'start', 'pacs-health.service'])
    expect(await server.run(['stat', '-c', '%U', figures])).toBe('pacs')
    // The public entry too, by the name that is configured.
    expect(await server.run(['grep', '-c', '^pacs_health_check_up{service="public"', figures])).not.toBe('0')
    expect(await server.run(['sed', '-n', DOWN, figures])).toBe('')
  })
})

describe('docs/monitoring.md', () => {
  it('brings the monitoring up beside the agent, where it sees every part of the stack', async () => {
    await startBesideAgent(server)
    const targets = await targetsOf(server)
    expect(targets.filter(({ health }) => health !== 'up')).toEqual([])
    expect([...new Set(targets.map(({ labels }) => labels.job))].toSorted()).toEqual(JOBS)
    // The agent's own work goes on beside it.
    expect((await server.exec(['pacs-agent', 'health'])).code).toBe(0)
  })

  it('has it take a file that was changed, and the passwords that the guide has renewed', async () => {
    await server.run(['sed', '-i', 's/stack: pacs/stack: ours/', '/opt/pacs-monitoring/monitoring/prometheus.yml'])
    const renewal = (await guideBlocks()).find(({ text }) => text.includes('redis-metrics-password'))
    for (const text of [renewal?.text ?? expect.unreachable(), await pageBlock('What was changed')]) {
      const { code, stdout, stderr } = await server.exec(['bash', '-euc', text], { cwd: '/root', env: releases })
      expect(code, `${text}\n${stdout}\n${stderr}`).toBe(0)
    }
    const targets = await targetsOf(server)
    expect(targets.filter(({ health }) => health !== 'up')).toEqual([])
    expect(await server.run(['curl', '-fsS', 'http://127.0.0.1:9090/api/v1/status/config'])).toContain('stack: ours')
    // The exporters of the data too, which answer whether or not they are let in.
    await server.run(['systemctl', 'start', 'pacs-health.service'])
    await waitFor('every check to be up', async () => (await server.run(['sed', '-n', DOWN, figures])) === '', 120_000)
  })
})

describe('the runbooks', () => {
  it('name commands that a server with an agent and its monitoring knows', async () => {
    const commands = await runbookCommands()
    expect(commands.size).toBeGreaterThan(60)
    const failed: string[] = []
    for (const [command, pages] of commands) {
      const { code, stdout, stderr } = await server.exec(['bash', '-euo', 'pipefail', '-c', command], { cwd: '/root' })
      if (code !== 0) failed.push(`${pages.join(', ')}: ${command}\n(${code}) ${stdout}${stderr}`)
    }
    expect(failed).toEqual([])
    // What is looked for has to be found: both releases' containers by the one name, and what they said.
    const listed = await server.run(['docker', 'ps', '--filter', 'name=backend', '--format', '{{.Names}}'])
    expect(listed).toMatch(/^pacs-[0-9a-f]{8}-backend-[0-9a-f]{8}-1$/m)
    for (const service of ['backend', 'mongodb', 'traefik'])
      expect(await server.run(['journalctl', '-t', service, '-n', '1', '--no-pager', '--quiet'])).not.toBe('')
  })
})

describe('its removal', () => {
  it('leaves nothing but what holds data', async () => {
    const removal = (await guideBlocks()).find(({ text }) => text.includes('rm /opt/pacs/state.json'))
    // The test's own, in a network of the stack.
    await server.run(['docker', 'rm', '--force', 'receivers'])
    await server.run(['bash', '-euc', removal?.text ?? expect.unreachable()])
    const undo = 'npx pacs-deploy setup root@staging.pacs.example.org --undo'
    const { code, stdout, stderr } = await lab.runner.exec(['bash', '-euc', asHere(undo)], { cwd: CHECKOUT })
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/^undone: agent$/m)
    expect(await server.run(['docker', 'ps', '--all', '--quiet', '--filter', 'name=^pacs-'])).toBe('')
    expect((await server.exec(['ls', '/usr/local/bin/pacs-agent'])).code).not.toBe(0)
    expect(await server.run(['docker', 'volume', 'ls', '--quiet'])).toContain('pacs-mongodb')
    await server.run([
      'ls',
      '/opt/pacs/audit',
      '/opt/pacs/backups/repository',
      '/opt/pacs/config/next/secrets/restic-password',
    ])
  })
})
