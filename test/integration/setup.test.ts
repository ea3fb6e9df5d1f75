import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exitClass } from '../../src/lib/index.ts'
import type { Lab, Machine } from '../lab/index.ts'
import { runSetUp, startServer } from '../server/set-up.ts'

const key = `ssh-ed25519 ${Buffer.alloc(51, 1).toString('base64')}`
const otherKey = `ssh-ed25519 ${Buffer.alloc(51, 2).toString('base64')}`

describe('setup-production.sh', () => {
  let lab: Lab
  let server: Machine

  beforeAll(async () => {
    ;({ lab, server } = await startServer())
  })
  afterAll(() => lab?.down())

  it('says what is missing and changes nothing', async () => {
    const before = await server.run([
      'sh',
      '-c',
      'ls -a /opt /etc/systemd/system /etc/ssh/sshd_config.d; getent passwd',
    ])
    const refusals: [string[], RegExp][] = [
      [['--agent', '/root/agent.js', '--node', '/nowhere'], /\/nowhere is no file/],
      [['--agent', '/root/agent.js', '--node', '/bin/true'], /Node 24 is needed/],
      [['--agent', '/root/agent.js', '--node'], /--node needs a value/],
      [['--agent', '/root/agent.js', '--node', '/root/node', '--force'], /what is --force/],
    ]
    for (const [args, message] of refusals) {
      const { code, stderr } = await server.exec(['/root/setup-production.sh', ...args])
      expect(stderr).toMatch(message)
      expect(code).toBe(40)
    }
    const asNobody = await server.exec(['cp', '/root/setup-production.sh', '/root/agent.js', '/root/node', '/tmp'])
    expect(asNobody.code).toBe(0)
    const files = ['--agent', '/tmp/agent.js', '--node', '/tmp/node']
    expect(await server.exec(['/tmp/setup-production.sh', ...files], { user: 'nobody' })).toMatchObject({
      code: 40,
      stderr: expect.stringMatching(/root is needed/),
    })
    expect(await server.run(['sh', '-c', 'ls -a /opt /etc/systemd/system /etc/ssh/sshd_config.d; getent passwd'])).toBe(
      before,
    )
  })

  it('names every key that is none before it changes anything', async () => {
    const { code, stderr } = await runSetUp(server, ['ci=-----BEGIN OPENSSH PRIVATE KEY-----', 'console=x'])
    expect(stderr).toMatch(/this is a private key[\s\S]*"console" is no name for a key/)
    expect(code).toBe(40)
    expect((await server.exec(['ls', '/opt/pacs'])).code).not.toBe(0)
    expect((await server.exec(['getent', 'passwd', 'pacs'])).code).not.toBe(0)
  })

  it('makes a machine a server whose agent answers', async () => {
    const { code, stdout, stderr } = await runSetUp(server, [`ci-staging=${key} made by a test`])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/changed: pacs-agent.service: started/)
    expect(JSON.parse(await server.run(['pacs-agent', 'status', '--json']))).toMatchObject({
      phase: 'idle',
      serving: null,
    })
    expect((await server.run(['systemctl', 'is-enabled', 'pacs-agent'])).trim()).toBe('enabled')
  })

  it('lays folders down as the security model says', async () => {
    const list = await server.run(['stat', '-c', '%a %U:%G %n', ...layoutOf()])
    expect(list.split('\n')).toEqual([
      '750 pacs:pacs /opt/pacs',
      '750 pacs:pacs /opt/pacs/bin',
      '755 root:root /opt/pacs/bin/node',
      '750 pacs:pacs /opt/pacs/releases',
      '750 pacs:pacs /opt/pacs/config',
      '700 pacs:pacs /opt/pacs/config/next',
      '700 pacs:pacs /opt/pacs/config/next/secrets',
      '755 pacs:pacs /opt/pacs/traefik',
      '755 pacs:pacs /opt/pacs/metrics',
      '750 pacs:pacs /opt/pacs/journal',
      '660 pacs:pacs /run/pacs/agent.sock',
      '660 pacs:pacs /run/pacs/ssh.sock',
      '644 root:root /etc/pacs-agent/authorized_keys',
    ])
    expect((await server.exec(['pacs-agent', 'status'], { user: 'nobody' })).code).not.toBe(0)
  })

  it('backs up and proves by itself every night, in its own name, asks for its health, and says so where a person ended that', async () => {
    const timers = ['pacs-backup.timer', 'pacs-verify.timer', 'pacs-health.timer']
    expect((await server.run(['systemctl', 'is-enabled', ...timers])).trim().split('\n')).toEqual([
      'enabled',
      'enabled',
      'enabled',
    ])
    const units = timers.flatMap((name) => [name, name.replace('.timer', '.service')])
    const judged = await server.exec([
      'systemd-analyze',
      'verify',
      ...units.map((name) => `/etc/systemd/system/${name}`),
    ])
    expect(judged).toMatchObject({ code: 0, stderr: '' })
    // A backup that made way for a rollback is refused, and is due all the same.
    const final = await server.run(['systemctl', 'show', '--property=RestartPreventExitStatus', 'pacs-backup.service'])
    expect(final.trim()).toBe(
      `RestartPreventExitStatus=${[exitClass.unhealthy, exitClass.failed, exitClass['bad-input']].join(' ')}`,
    )

    const order = await server.run(['systemctl', 'show', '--property=After', 'pacs-verify.service'])
    expect(order).toContain('pacs-backup.service')

    const failed = async () => server.run(['systemctl', 'list-units', '--failed', '--plain', '--no-legend', 'pacs-*'])
    await server.run(['systemctl', 'start', 'pacs-backup.service', 'pacs-verify.service'])
    expect((await server.exec(['sh', '-c', 'cat /opt/pacs/audit/*'])).stdout).not.toContain('.timer')
    await server.run(['mkdir', '/opt/pacs/releases/first'])
    await server.run(['systemctl', 'start', 'pacs-backup.service'])
    expect((await server.exec(['systemctl', 'start', 'pacs-verify.service'])).code).not.toBe(0)
    await server.run(['rmdir', '/opt/pacs/releases/first'])
    expect((await failed()).trim()).toMatch(/^pacs-verify\.service [^\n]*$/)
    await server.run(['systemctl', 'reset-failed'])
    const audit = await server.run(['sh', '-c', 'cat /opt/pacs/audit/*'])
    expect(audit).toMatch(/"kind":"backup","actor":"pacs-backup\.timer","key":"console"/)
    expect(audit).toContain('there is no backup to verify')

    // Nothing serves yet whose health could be asked for.
    await server.run(['systemctl', 'start', 'pacs-health.service'])
    expect((await server.exec(['ls', '/opt/pacs/metrics/health.prom'])).code).not.toBe(0)

    await server.run(['systemctl', 'disable', '--quiet', '--now', 'pacs-verify.timer'])
    expect((await runSetUp(server)).stdout).toContain('note: pacs-verify.timer is disabled')
    await server.run(['systemctl', 'enable', '--quiet', '--now', 'pacs-verify.timer'])
  })

  it('asks for its health twice a minute, and the journal keeps what changed', async () => {
    const [release, config] = ['20261124t101500z-abc1234def01', '0123456789abcdef']
    const monitoring = `/opt/pacs/releases/${release}/stack/monitoring`
    const [state, configuration] = ['/opt/pacs/state.json', `/opt/pacs/config/${config}`]
    await server.run([
      'sh',
      '-ec',
      `[ ! -e ${state} ] || cp -p ${state} /root; mkdir -p ${monitoring} ${configuration}`,
    ])
    for (const name of ['health-check.js', 'health-checks.json']) {
      await server.copyIn(
        join(import.meta.dirname, '../../deployment/production/monitoring', name),
        `${monitoring}/${name}`,
      )
    }
    await server.copyIn(Buffer.from('PACS_PUBLIC_HOST=pacs.invalid\n'), `${configuration}/.env`)
    await server.copyIn(Buffer.from(JSON.stringify({ serving: { release, config } })), state)
    const since = (await server.run(['date', '+%s'])).trim()
    const asked = async () => {
      await server.run(['systemctl', 'start', 'pacs-health.service'])
      await server.run(['journalctl', '--sync'])
      const kept = [
        'journalctl',
        '--quiet',
        '--no-pager',
        '-o',
        'cat',
        '--since',
        `@${since}`,
        '-u',
        'pacs-health.service',
      ]
      return (await server.run(kept)).trim().split('\n')
    }
    const first = await asked()
    expect(await server.readText('/opt/pacs/metrics/health.prom')).toContain('pacs_health_state{state="down"} 1')
    expect(first).toContain('mongodb container is down, was up: there is no container')
    expect(first.filter((line) => !/ is (down|degraded), was up: /.test(line))).toEqual([])
    expect(await asked()).toEqual(first)
    await server.run([
      'sh',
      '-ec',
      `rm ${state}; [ ! -e /root/state.json ] || cp -p /root/state.json ${state}; rm -r /opt/pacs/releases/${release} ${configuration} /opt/pacs/metrics/health.prom`,
    ])
  })

  it('changes nothing the second time', async () => {
    const pid = await server.run(['systemctl', 'show', '-p', 'MainPID', 'pacs-agent'])
    const { code, stdout } = await runSetUp(server, [`ci-staging=${key}`])
    expect(stdout.trim().split('\n')).toEqual(['nothing changed', NO_RESTIC])
    expect(code).toBe(0)
    expect(await server.run(['systemctl', 'show', '-p', 'MainPID', 'pacs-agent'])).toBe(pid)
  })

  it('adds a second key, replaces one of the same name, and refuses one key under two names', async () => {
    await runSetUp(server, [`laptop=${otherKey}`])
    expect(await keyNames(server)).toEqual(['ci-staging', 'laptop'])
    const twice = await runSetUp(server, [`phone=${otherKey}`])
    expect(twice).toMatchObject({ code: 40, stderr: expect.stringMatching(/the same key is called laptop/) })
    const next = `ssh-ed25519 ${Buffer.alloc(51, 3).toString('base64')}`
    await runSetUp(server, [`laptop=${next}`])
    expect(await keyNames(server)).toEqual(['ci-staging', 'laptop'])
    expect(await server.readText('/etc/pacs-agent/authorized_keys')).toContain(next)
  })

  it('lets root edit a configuration that the agent can read', async () => {
    const env = { EDITOR: 'sed -i $aDB_USER=db' }
    await server.run(['pacs-agent', 'config', 'edit'], { env: { EDITOR: 'touch' } })
    await server.run(['pacs-agent', 'config', 'edit'], { env })
    expect(await server.run(['stat', '-c', '%a %U:%G', '/opt/pacs/config/next/.env'])).toBe('600 pacs:pacs')
  })

  it('names everything that the newest release needs and the configuration does not have', async () => {
    const stack = '/opt/pacs/releases/20261124t101500z-abc1234def01/stack'
    await server.copyIn(Buffer.from(composeFile), `${stack}/docker-compose.prod.yml`)
    await server.copyIn(Buffer.from('DB_USER=db\nBACKUP_SECOND_REPOSITRY=x\n'), '/opt/pacs/config/next/.env', 0o600)
    const { code, stderr } = await server.exec(['pacs-agent', 'config', 'check'])
    expect(stderr).toMatch(/PACS_PUBLIC_HOST/)
    expect(stderr).toMatch(/BACKUP_SECOND_REPOSITRY is read by nothing: is it BACKUP_SECOND_REPOSITORY\?/)
    expect(stderr).toMatch(/DB_PASSWORD is missing or empty/)
    expect(stderr).toMatch(/secrets\/db_key is missing or empty/)
    expect(stderr).not.toMatch(/DB_USER|ZONE|PREFIX|PACS_TRAEFIK_DIR/)
    expect(code).toBe(40)
    await server.run(['rm', '-r', '/opt/pacs/releases/20261124t101500z-abc1234def01'])
  })

  it('mends what was changed by hand', async () => {
    await server.run(['chmod', '777', '/opt/pacs/config'])
    await server.run(['chown', 'root:root', '/opt/pacs/config/next/.env'])
    await server.run(['install', '-m', '0644', '/dev/null', '/opt/pacs/traefik/acme.json'])
    await server.run(['rm', '/usr/local/bin/pacs-agent'])
    const pacs = (await server.run(['stat', '-c', '%u:%g', '/opt/pacs'])).trim()
    const { stdout } = await runSetUp(server)
    expect(stdout.trim().split('\n').sort()).toEqual([
      '4 changes',
      `changed: /opt/pacs/config/next/.env: owner ${pacs}`,
      'changed: /opt/pacs/config: mode 750',
      'changed: /opt/pacs/traefik/acme.json: mode 600',
      'changed: /usr/local/bin/pacs-agent: made',
      NO_RESTIC,
    ])
  })

  it('leaves sshd as it was when sshd does not accept the rules', async () => {
    const dropIn = '/etc/ssh/sshd_config.d/50-pacs-agent.conf'
    const good = await server.readText(dropIn)
    await server.copyIn(Buffer.from('NoSuchOption yes\n'), '/etc/ssh/sshd_config.d/99-broken.conf')
    await server.run(['sed', '-i', 's/^Match User pacs/& # touched/', dropIn])
    const touched = await server.readText(dropIn)
    const { code, stderr } = await runSetUp(server)
    expect(stderr).toMatch(/sshd does not accept/)
    expect(code).toBe(22)
    expect(await server.readText(dropIn)).toBe(touched)
    await server.run(['rm', '/etc/ssh/sshd_config.d/99-broken.conf'])
    expect((await runSetUp(server)).code).toBe(0)
    expect(await server.readText(dropIn)).toBe(good)
  })

  it('says which engine it wants where there is none', async () => {
    await server.run(['systemctl', 'stop', 'docker.socket', 'docker.service'])
    const { code, stderr } = await runSetUp(server)
    expect(stderr).toMatch(/Docker Engine is missing or does not answer, 26\.1\.0 or newer is needed/)
    expect(code).toBe(40)
    await server.run(['systemctl', 'start', 'docker.service'])
  })
})

const NO_RESTIC = 'note: restic is not installed; backups need it (--restic FILE)'

const composeFile = `services:
  db:
    image: \${PREFIX:-localhost}/db:1
    environment:
      USER_NAME: \${DB_USER}
      PASSWORD: \${DB_PASSWORD:?}
      ZONE: \${ZONE:-UTC}
      TRAEFIK: \${PACS_TRAEFIK_DIR}
    secrets: [db_key]
secrets:
  db_key: { file: ./secrets/db_key }
`

function layoutOf(): string[] {
  const below = [
    '',
    '/bin',
    '/bin/node',
    '/releases',
    '/config',
    '/config/next',
    '/config/next/secrets',
    '/traefik',
    '/metrics',
    '/journal',
  ]
  return [
    ...below.map((name) => `/opt/pacs${name}`),
    '/run/pacs/agent.sock',
    '/run/pacs/ssh.sock',
    '/etc/pacs-agent/authorized_keys',
  ]
}

async function keyNames(server: Machine): Promise<string[]> {
  const content = await server.readText('/etc/pacs-agent/authorized_keys')
  return [...content.matchAll(/--key ([^"]+)"/g)].map(([, name = '']) => name)
}
