import { describe, expect, it } from 'vitest'
import { undoStep } from '../../../src/agent/setup/changer.ts'
import { afterwards, attributes, directory, file, type Item, packages } from '../../../src/agent/setup/items.ts'
import { SetupRecord } from '../../../src/agent/setup/record.ts'
import { applyStep, judgeStep, type Step } from '../../../src/agent/setup/step.ts'
import { Failure } from '../../../src/lib/index.ts'
import { MemoryHost, PowerCut } from './memory-host.ts'

const owner = { uid: 998, gid: 997 }
const none = new Set<string>()

function world({ failing = false, takenBack = false } = {}) {
  const host = new MemoryHost()
  host.put('/etc/app.conf', 'old\n', 0o600, { uid: 5, gid: 5 })
  host.answer = (command) => {
    if (command === 'app reload') return failing ? { code: 1, stderr: 'app: no such option' } : { stdout: '' }
    return undefined
  }
  const reload: Item = afterwards('app: reloaded', async (changer) => void (await changer.run(['app', 'reload'], null)))
  const step: Step = {
    id: 'app',
    title: 'the app',
    ...(takenBack ? { takenBack: true as const } : {}),
    items: () => [
      directory('/srv/app', 0o750, owner),
      file('/srv/app/data', 'x', 0o640, owner),
      file('/etc/app.conf', 'new\n', 0o644),
      reload,
    ],
  }
  const run = () => applyStep(step, host, new SetupRecord(host), () => undefined)
  const judge = (without = none) => judgeStep(step, host, new SetupRecord(host), without)
  const undo = () => undoStep(host, new SetupRecord(host), 'app')
  return { host, step, run, judge, undo }
}

const wanted = ['/etc/app.conf 644 0:0 new\n', '/srv/ 755 0:0', '/srv/app/ 750 998:997', '/srv/app/data 640 998:997 x']

/** What is there but for the record. */
function content(host: MemoryHost): string[] {
  return host.below('/').filter((line) => !line.startsWith('/var'))
}

describe('a step of the set-up', () => {
  it('tells what it would change and changes nothing', async () => {
    const { host, judge } = world()
    const before = host.below('/')
    expect(await judge()).toEqual({
      id: 'app',
      title: 'the app',
      state: 'change',
      details: ['/srv/app: made', '/srv/app/data: made', '/etc/app.conf: replaced', 'app: reloaded'],
    })
    expect(await judge(new Set(['app']))).toMatchObject({ state: 'left-out', details: [] })
    expect(host.below('/')).toEqual(before)
    expect(host.ran).toEqual([])
  })

  it('changes what it told, and the second time nothing at all', async () => {
    const { host, run, judge } = world()
    const told = (await judge()).details
    expect(await run()).toEqual(told)
    expect(content(host)).toEqual(wanted)
    expect(await judge()).toMatchObject({ state: 'ok', details: [] })
    const after = host.below('/')
    expect(await run()).toEqual([])
    expect(host.below('/')).toEqual(after)
    expect(host.ran).toEqual(['app reload'])
  })

  it('mends modes, owners and contents that a person changed, and names each', async () => {
    const { host, run } = world()
    await run()
    Object.assign(host.directories.get('/srv/app') ?? {}, { mode: 0o777 })
    host.put('/srv/app/data', 'x', 0o644, { uid: 1, gid: 1 })
    expect(await run()).toEqual([
      '/srv/app: mode 750',
      '/srv/app/data: owner 998:997',
      '/srv/app/data: mode 640',
      'app: reloaded',
    ])
    expect(content(host)).toEqual(wanted)
  })

  it.each([[{ uid: 1, gid: 997 }], [{ uid: 998, gid: 1 }]])(
    'mends the owner %j, of which one half is right',
    async (theirs) => {
      const { host, run } = world()
      await run()
      host.put('/srv/app/data', 'x', 0o640, theirs)
      expect(await run()).toEqual(['/srv/app/data: owner 998:997', 'app: reloaded'])
      expect(content(host)).toEqual(wanted)
    },
  )

  it('mends the mode of what others make, once it is there', async () => {
    const host = new MemoryHost()
    const step: Step = { id: 'theirs', title: 'theirs', items: () => [attributes('/etc/theirs', 0o600, owner)] }
    const run = () => applyStep(step, host, new SetupRecord(host), () => undefined)
    expect(await run()).toEqual([])
    host.put('/etc/theirs', 'x', 0o644, owner)
    expect(await run()).toEqual(['/etc/theirs: mode 600'])
    expect(host.below('/etc/theirs')).toEqual(['/etc/theirs 600 998:997 x'])
  })

  it('installs what is missing alone, and asks for new lists only where the old ones do not do', async () => {
    const host = new MemoryHost()
    let isStale = true
    host.answer = (command) => {
      if (command.startsWith('dpkg-query')) return 'there installed\nremoved config-files\n'
      if (command.startsWith('apt-get update')) isStale = false
      return command.startsWith('apt-get install') && isStale ? { code: 100, stderr: 'no such version' } : ''
    }
    const step: Step = { id: 'some', title: 'some', items: () => [packages('there', 'removed', 'new')] }
    const run = () => applyStep(step, host, new SetupRecord(host), () => undefined)
    const asked = () => host.ran.flatMap((one) => /^apt-get (\w+).*?(?: ([a-z]+ [a-z]+))?$/.exec(one)?.slice(1) ?? [])
    expect(await run()).toEqual(['package removed: installed', 'package new: installed'])
    expect(asked()).toEqual(['install', 'removed new', 'update', undefined, 'install', 'removed new'])
    host.ran.length = 0
    await run()
    expect(asked()).toEqual(['install', 'removed new'])
  })

  it('converges after a cut at any write, and goes back to what was before from there too', async () => {
    const whole = world()
    whole.host.writesLeft = 1000
    const before = content(whole.host)
    await whole.run()
    const writes = 1000 - whole.host.writesLeft
    expect(writes).toBeGreaterThan(15)
    for (let cut = 0; cut < writes; cut++) {
      for (const then of ['run', 'undo'] as const) {
        const { host, run, undo, judge } = world()
        host.writesLeft = cut
        await expect(run()).rejects.toBeInstanceOf(PowerCut)
        host.writesLeft = Number.POSITIVE_INFINITY
        if (then === 'run') {
          await run()
          expect(content(host)).toEqual(wanted)
          // Also when the cut came between the file and what makes it take effect.
          expect(host.ran.filter((one) => one === 'app reload').length).toBeGreaterThan(0)
          expect(await judge()).toMatchObject({ state: 'ok' })
        }
        expect(await undo()).toEqual([])
        expect(content(host)).toEqual(before)
      }
    }
  })

  it('undoes all but what a person changed since', async () => {
    const { host, run, undo } = world()
    await run()
    host.put('/etc/app.conf', 'new\nmine\n')
    host.put('/srv/app/theirs', 'y')
    expect(await undo()).toEqual([
      '/etc/app.conf: was changed by hand since',
      '/srv/app: holds something',
      '/srv: holds something',
    ])
    expect(host.text('/etc/app.conf')).toBe('new\nmine\n')
    expect(host.text('/srv/app/data')).toBeNull()
    expect(await undo()).toEqual([])
  })

  it('that could lock somebody out is taken back when it fails, with what was there before this run', async () => {
    const { host, run } = world({ failing: true, takenBack: true })
    const before = content(host)
    const thrown = await run().catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(Failure)
    expect((thrown as Failure).message).toBe(
      'the app: app reload ended with 1: app: no such option; it was taken back, what was before holds',
    )
    expect(content(host)).toEqual(before)
  })

  it('names what could not be taken back', async () => {
    const { host, run } = world({ failing: true, takenBack: true })
    host.answer = (command) => {
      if (command === 'app reload') host.put('/srv/app/theirs', 'y')
      return { code: 1, stderr: 'no' }
    }
    await expect(run()).rejects.toThrow(
      /what was before holds; not taken back: \/srv\/app: holds something; \/srv: holds something$/,
    )
  })

  it('that is refused half-way says so and goes on there the next time', async () => {
    const { host, run, judge } = world({ failing: true })
    await expect(run()).rejects.toThrow(/app reload ended with 1/)
    expect(await judge()).toMatchObject({ state: 'change', details: ['app: reloaded'] })
    host.answer = () => ''
    expect(await run()).toEqual(['app: reloaded'])
  })

  it('does not put a file where a folder is', async () => {
    const { host, run } = world()
    await host.makeDirectory('/srv/app/data', 0o755)
    await expect(run()).rejects.toThrow('/srv/app/data is a folder, a file belongs there: move it away')
  })
})
