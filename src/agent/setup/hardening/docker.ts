import { z } from 'zod'
import { badInput } from '../../../lib/index.ts'
import { type Host, outputOf, ROOT, system } from '../host.ts'
import { afterwards, file } from '../items.ts'
import type { Step } from '../step.ts'

const FILE = '/etc/docker/daemon.json'

/** As good: the step `logs` bounds the journal. */
const AS_SAFE: Readonly<Record<string, unknown>> = { 'log-driver': 'journald' }

/** Logs that rotate, containers that outlive the engine, no program that gains rights; for what no compose file says otherwise. */
const WANTED = { 'log-driver': 'local', 'live-restore': true, 'no-new-privileges': true }

/** What the engine does unless a stack says otherwise. A key that a person set stays, and is named. */
export function dockerStep(host: Host): Step {
  return {
    id: 'docker',
    title: `the engine's defaults (${FILE})`,
    takenBack: true,
    items: async () => {
      const [before, wanted] = [await present(host), await wantedOf(host)]
      const content = `${JSON.stringify({ ...wanted, ...before }, null, 2)}\n`
      const complete = Object.keys(wanted).every((key) => key in before)
      // Also of a run that was cut before the engine read it.
      return complete ? [inForce] : [file(FILE, content, 0o644, ROOT, ['systemctl', 'reload', 'docker']), inForce]
    },
    notes: async () => {
      const [set, wanted] = [await present(host), await wantedOf(host)]
      const others = Object.entries(wanted).filter(
        ([key, value]) => key in set && set[key] !== value && set[key] !== AS_SAFE[key],
      )
      const notes = others.map(
        ([key, value]) =>
          `${FILE}: ${key} is ${JSON.stringify(set[key])}, ${JSON.stringify(value)} is safer; it stays as it was set`,
      )
      return 'live-restore' in wanted
        ? notes
        : [...notes, `${FILE}: live-restore is left out: this engine is in a swarm, and would not start with it`]
    },
  }
}

/** An engine in a swarm does not start with live-restore. */
async function wantedOf(host: Host): Promise<Record<string, unknown>> {
  const swarm = (await outputOf(host, 'docker', 'info', '--format', '{{.Swarm.LocalNodeState}}'))?.trim()
  const { 'live-restore': _, ...others } = WANTED
  return swarm === 'active' || swarm === 'pending' || swarm === 'locked' ? others : WANTED
}

const inForce = afterwards('docker: took the new defaults', async (changer) => {
  await system(changer.host, 'dockerd', '--validate', '--config-file', FILE)
  const running = (await outputOf(changer.host, 'docker', 'ps', '--quiet'))?.trim()
  // A restart would stop what runs; what a reload does not take holds from the next restart on.
  await changer.run(['systemctl', running ? 'reload' : 'restart', 'docker'], null)
})

async function present(host: Host): Promise<Record<string, unknown>> {
  const content = (await host.read(FILE))?.toString() ?? ''
  if (content.trim() === '') return {}
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(content))
  } catch {
    throw badInput(`${FILE} is no JSON object: the engine will not start with it either; mend it`)
  }
}
