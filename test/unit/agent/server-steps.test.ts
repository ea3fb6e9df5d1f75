// What makes a bare machine a server: an engine where there is none, secrets where they are absent.
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { undoStep } from '../../../src/agent/setup/changer.ts'
import { RECORD, SetupRecord } from '../../../src/agent/setup/record.ts'
import { secretsStep } from '../../../src/agent/setup/secrets.ts'
import { engineStep } from '../../../src/agent/setup/server-steps.ts'
import { applyStep, judgeStep, type Step } from '../../../src/agent/setup/step.ts'
import { MemoryHost } from './memory-host.ts'

const judge = (step: Step, host: MemoryHost) => judgeStep(step, host, new SetupRecord(host), new Set())
const apply = (step: Step, host: MemoryHost) => applyStep(step, host, new SetupRecord(host), () => undefined)

describe('the engine', () => {
  const PACKAGES = ['docker.io', 'docker-cli', 'docker-compose', 'docker-buildx', 'pigz']

  /** A machine with those packages, and Docker from elsewhere or not. */
  function machine({ installed = [], elsewhere = false }: { installed?: string[]; elsewhere?: boolean } = {}) {
    const host = new MemoryHost()
    const packages = new Set<string>(installed)
    let running = false
    host.answer = (command) => {
      if (command === 'sh -c command -v docker') return { code: elsewhere || packages.has('docker-cli') ? 0 : 1 }
      if (command.startsWith('dpkg-query')) return [...packages].map((name) => `${name} installed\n`).join('')
      if (command.startsWith('apt-get install')) for (const name of PACKAGES) packages.add(name)
      if (command.startsWith('systemctl enable')) running = true
      if (/^systemctl is-/.test(command)) return { code: running ? 0 : 3 }
      return ''
    }
    const stop = () => {
      running = false
    }
    return { host, stop, step: engineStep(host, new SetupRecord(host)) }
  }
  const installs = (host: MemoryHost) => host.ran.filter((command) => command.startsWith('apt-get'))

  it('is installed where there is none, once, and started for good', async () => {
    const { host, stop, step } = machine({ installed: ['pigz'] })
    const wanted = PACKAGES.filter((name) => name !== 'pigz').map((name) => `package ${name}: installed`)
    expect(await judge(step, host)).toMatchObject({
      state: 'change',
      details: [...wanted, 'docker.service: enabled', 'docker.service: started'],
    })
    expect(installs(host)).toEqual([])
    expect(await apply(step, host)).toHaveLength(6)
    expect(installs(host)).toEqual([expect.stringMatching(/ docker\.io docker-cli docker-compose docker-buildx$/)])
    expect(host.ran).toContain('systemctl enable --quiet --now docker.service')
    // It is set-up's own from now on, and looked after.
    const again = engineStep(host, new SetupRecord(host))
    expect(await judge(again, host)).toMatchObject({ state: 'ok' })
    expect(await apply(again, host)).toEqual([])
    stop()
    expect(await apply(again, host)).toEqual(['docker.service: enabled', 'docker.service: started'])
    expect(installs(host)).toHaveLength(1)
  })

  it('is left alone where somebody else installed one', async () => {
    const { host, step } = machine({ elsewhere: true })
    expect(await judge(step, host)).toMatchObject({ state: 'ok', details: [] })
    expect(await apply(step, host)).toEqual([])
    expect(host.ran.filter((command) => /^(?:apt-get|systemctl enable)/.test(command))).toEqual([])
  })
})

describe('secrets', () => {
  const FOLDER = '/opt/pacs/config/next/secrets'
  const SCRIPT = '/srv/make-secrets.sh'
  const owner = { uid: 998, gid: 997 }

  /** A machine whose script makes two secrets, none twice the same, where they are absent. */
  function machine() {
    const host = new MemoryHost()
    let made = 0
    host.directories.set(FOLDER, { directory: true, mode: 0o700, ...owner })
    host.answer = (command) => {
      const [program, first = '', second = ''] = command.split(' ')
      if (program === 'mktemp') return '/run/pacs-setup.1\n'
      if (program === 'rm') {
        for (const path of host.files.keys()) if (command.endsWith(` ${dirname(path)}`)) host.files.delete(path)
        return ''
      }
      if (program !== 'sh' || first !== SCRIPT) return undefined
      const absent = ['session-key', 'database-password'].filter((name) => !host.files.has(`${second}/${name}`))
      for (const name of absent) host.put(`${second}/${name}`, `hidden-${++made}`, 0o444)
      return absent.map((name) => `made ${name}\n`).join('')
    }
    return { host, step: secretsStep(SCRIPT, FOLDER, async () => owner) }
  }
  const kept = (host: MemoryHost) => host.below(FOLDER).filter((line) => !line.startsWith(`${FOLDER}/ `))

  it('are made where they are absent, as the owner of the stack, and one that is there stays', async () => {
    const { host, step } = machine()
    host.put(`${FOLDER}/session-key`, 'given', 0o444, owner)
    expect(await judge(step, host)).toMatchObject({ state: 'change', details: [`${FOLDER}/database-password: made`] })
    expect(host.below('/run')).toEqual([])
    expect(await apply(step, host)).toEqual([`${FOLDER}/database-password: made`])
    const after = kept(host)
    expect(after).toEqual([
      expect.stringMatching(`^${FOLDER}/database-password 444 998:997 hidden-`),
      `${FOLDER}/session-key 444 998:997 given`,
    ])
    expect(await judge(step, host)).toMatchObject({ state: 'ok' })
    expect(await apply(step, host)).toEqual([])
    expect(kept(host)).toEqual(after)
  })

  it('stand in no word of the step, no command and no record, and stay when it is taken back', async () => {
    const { host, step } = machine()
    const said: string[] = []
    const told = await applyStep(step, host, new SetupRecord(host), (line) => said.push(line))
    const after = kept(host)
    expect(after).toHaveLength(2)
    const shown = [...said, ...told, ...host.ran, ...host.below(RECORD), JSON.stringify(await judge(step, host))]
    expect(shown.filter((line) => line.includes('hidden-'))).toEqual([])
    expect(shown.join('\n')).toContain(`${FOLDER}/session-key: made`)
    await undoStep(host, new SetupRecord(host), 'secrets')
    expect(kept(host)).toEqual(after)
  })

  it('are named as a gap where no script lies beside set-up', async () => {
    const step = secretsStep(null, FOLDER, async () => owner)
    expect(await judge(step, new MemoryHost())).toMatchObject({ state: 'impossible' })
  })
})
