// A step of the set-up: judged without changing anything, applied so that doing it twice changes nothing, taken back.
import { Failure, messageOf } from '../../lib/index.ts'
import { Changer, undoStep } from './changer.ts'
import type { Host } from './host.ts'
import type { Item } from './items.ts'
import type { SetupRecord } from './record.ts'

export interface Step {
  id: string
  title: string
  items: () => Promise<readonly Item[]> | readonly Item[]
  /** Why this machine cannot have it, or null. */
  impossible?: () => Promise<string | null>
  /** What a person should know although nothing is to be done. */
  notes?: () => Promise<string[]>
  /** Whether a step that fails is taken back at once: one that could lock somebody out. */
  takenBack?: true
  /** Whether it protects the machine rather than makes it a server: it can be left out. */
  hardening?: true
}

/** `failed`: what is there keeps it from being judged. */
export type State = 'ok' | 'change' | 'impossible' | 'left-out' | 'failed'

export interface Judgement {
  id: string
  title: string
  state: State
  /** What would change, or why it is not had. */
  details: string[]
}

/** What a step would do here. */
export async function judgeStep(
  step: Step,
  host: Host,
  record: SetupRecord,
  without: ReadonlySet<string>,
): Promise<Judgement> {
  const { id, title } = step
  if (without.has(id)) return { id, title, state: 'left-out', details: [] }
  try {
    const impossible = (await step.impossible?.()) ?? null
    if (impossible !== null) return impossibleHere(step, impossible)
    const details = await differences(step, host, await record.isOpen(id))
    return { id, title, state: details === null ? 'ok' : 'change', details: details ?? [] }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return { id, title, state: 'failed', details: [thrown.message] }
  }
}

/** The judgement of a step that this machine cannot have. */
export function impossibleHere({ id, title }: Step, why: string): Judgement {
  return { id, title, state: 'impossible', details: [`not possible here: ${why}`] }
}

/** @returns null when nothing is to be done */
async function differences(step: Step, host: Host, wasOpen: boolean): Promise<string[] | null> {
  let dirty = wasOpen
  const details: string[] = []
  for (const item of await step.items()) {
    const found = await item.differences(host, dirty)
    details.push(...found)
    dirty ||= found.length > 0
  }
  return dirty ? details : null
}

/**
 * Makes what differs as wanted. @returns what changed, in words
 * @throws what an item threw; a step that is `takenBack` is then as it was before this run.
 */
export async function applyStep(
  step: Step,
  host: Host,
  record: SetupRecord,
  print: (line: string) => void,
): Promise<string[]> {
  const { id } = step
  const before = (await record.of(id)).length
  const changer = new Changer(host, record, id)
  const wasOpen = await record.isOpen(id)
  const changed: string[] = []
  try {
    for (const item of await step.items()) {
      const differences = await item.differences(host, wasOpen || changed.length > 0)
      if (differences.length === 0) continue
      if (changed.length === 0 && !wasOpen) await record.open(id)
      await item.make(changer)
      for (const what of differences) print(`changed: ${what}`)
      changed.push(...differences)
    }
  } catch (thrown) {
    if (!step.takenBack) throw thrown
    const left = await undoStep(host, record, id, before)
    const also = left.length === 0 ? '' : `; not taken back: ${left.join('; ')}`
    const kind = thrown instanceof Failure ? thrown.kind : 'error'
    throw new Failure(kind, `${step.title}: ${messageOf(thrown)}; it was taken back, what was before holds${also}`)
  }
  if (wasOpen || changed.length > 0) await record.close(id)
  return changed
}
