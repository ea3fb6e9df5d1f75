import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exitClass, Failure, Problems, refused } from '../../lib/index.ts'
import type { Layout } from '../layout.ts'
import { openState } from '../transaction/state.ts'
import { accessStep } from './access-step.ts'
import { agentStep } from './agent-step.ts'
import type { NamedKey } from './authorized-keys.ts'
import { undoStep } from './changer.ts'
import { type Choices, chosen, closedEntries, remember } from './choices.ts'
import { contentOf, judgeAgent, judgeKeys, noting } from './given.ts'
import { hardeningSteps } from './hardening/index.ts'
import { type Host, outputOf, ownerNamed, thisMachine } from './host.ts'
import { INSTALLATION, writeInstallation } from './installation.ts'
import { readOptions, setupHelp, type Values } from './options.ts'
import { SetupRecord } from './record.ts'
import { isSettled, planLines, type Report, reportTable } from './report.ts'
import { checkRequirements } from './requirements.ts'
import { secretsStep } from './secrets.ts'
import { engineStep, foldersStep, programsStep, type Site, USER, userStep } from './server-steps.ts'
import { applyStep, impossibleHere, type Judgement, judgeStep, type State, type Step } from './step.ts'
import { timersStep } from './timers.ts'

export interface SetupOptions {
  paths: Layout
  /** The agent that runs here and is installed. */
  script: string
  print: (line: string) => void
  host?: Host
}

interface SetUp {
  host: Host
  record: SetupRecord
  steps: readonly Step[]
  without: ReadonlySet<string>
  keys: readonly NamedKey[]
  choices: Choices
  agent: Uint8Array
  problems: Problems
  warnings: readonly string[]
}

/**
 * Makes this machine a server, or brings it up to date: doing it twice changes nothing the second time. Prints what it changed.
 * `--check` and `--plan` only judge; `--undo` takes back what was done.
 * @throws Failure `bad-input` with everything that is wrong or missing, before the first change.
 */
export async function setup(args: readonly string[], options: SetupOptions): Promise<number> {
  if (args.includes('--help')) {
    options.print(`pacs-agent setup ${setupHelp.usage}`)
    options.print(setupHelp.summary)
    return exitClass.ok
  }
  const values = readOptions(args)
  const work = await prepare(values, options)
  if (values.undo) return undo(work, options)
  if (values.check || values.plan) return judge(work, values, options.print)
  work.problems.throwIfAny()
  return apply(work, values.only.length > 0, options)
}

async function prepare(values: Values, { paths, script, host = thisMachine }: SetupOptions): Promise<SetUp> {
  const problems = new Problems()
  const [keys, agent] = [await judgeKeys(values.key, problems), await readFile(script)]
  await noting(problems, () => judgeAgent(paths, agent))
  const choices = await chosen(host, values, problems)
  const warnings = values.undo
    ? []
    : [...(await checkRequirements(host, process.getuid?.(), problems)), ...closedEntries(values, choices)]
  const record = new SetupRecord(host)
  const site: Site = { host, paths, owner: () => ownerNamed(host, USER) }
  const programs = { node: await contentOf(values.node), restic: await contentOf(values.restic) }
  const all = [
    engineStep(host, record),
    userStep(),
    foldersStep(site),
    programsStep(paths.bin, programs),
    agentStep(site, { file: script, content: agent }),
    accessStep(host, keys),
    timersStep(host, record, USER, paths),
    secretsStep(values['make-secrets'] ?? null, join(paths.configNext, 'secrets'), site.owner),
    ...hardeningSteps(host, choices, await handOf(host)),
  ]
  const names = all.map(({ id }) => id)
  for (const name of values.only)
    if (!names.includes(name))
      problems.add(`--only: there is no ${JSON.stringify(name)}; there are ${names.join(', ')}`)
  const steps = values.only.length === 0 ? all : all.filter(({ id }) => values.only.includes(id))
  return { host, record, steps, without: new Set(choices.without), keys, choices, agent, problems, warnings }
}

async function report({ host, record, steps, without, problems, warnings }: SetUp): Promise<Report> {
  const judged = []
  // What is missing makes the rest a guess.
  if (problems.found.length === 0) for (const step of steps) judged.push(await judgeStep(step, host, record, without))
  return { schema: 1, problems: problems.found, warnings, steps: judged }
}

async function judge(work: SetUp, { check, json }: Values, print: (line: string) => void): Promise<number> {
  const found = await report(work)
  if (json) {
    print(JSON.stringify(found, null, 1))
    return found.problems.length > 0
      ? exitClass['bad-input']
      : isSettled(found) || !check
        ? exitClass.ok
        : exitClass.unhealthy
  }
  work.problems.throwIfAny()
  for (const line of check ? reportTable(found) : planLines(found)) print(line)
  return isSettled(found) || !check ? exitClass.ok : exitClass.unhealthy
}

async function apply(work: SetUp, partly: boolean, { print, paths }: SetupOptions): Promise<number> {
  const { host, record, steps, warnings } = work
  for (const warning of warnings) print(`warning: ${warning}`)
  await remember(host, work.choices)
  let count = 0
  const results: Judgement[] = []
  for (const step of steps) {
    const { result, changed } = await applyOne(step, work, print)
    count += changed
    results.push(result)
  }
  print(count === 0 ? 'nothing changed' : `${count} changes`)
  for (const step of steps)
    if (results.some(({ id, state }) => id === step.id && state === 'ok'))
      for (const note of (await step.notes?.()) ?? []) print(`note: ${note}`)
  if (!partly && (await host.status(join(paths.bin, 'restic'))) === null)
    print('note: restic is not installed; backups need it (--restic FILE)')
  if (!partly && (count > 0 || (await host.status(INSTALLATION)) === null))
    await writeInstallation(host, record, { ...work, steps: results }, new Date())
  const failed = results.filter(({ state }) => state === 'failed')
  if (failed.length === 0) return exitClass.ok
  const lines = failed.map(({ id, details }) => `${id}: ${details.join('; ')}`)
  throw new Failure(
    'error',
    `the server is set up, but its hardening is not complete; mend this and run again, or leave it out (--without NAME)\n${lines.join('\n')}`,
  )
}

/** A step of the hardening that fails does not keep the others from being made. */
async function applyOne(step: Step, { host, record, without }: SetUp, print: (line: string) => void) {
  const { id, title } = step
  const ended = (state: State, details: string[] = [], changed = 0) => ({
    result: { id, title, state, details },
    changed,
  })
  if (without.has(id)) return ended('left-out')
  try {
    const why = (await step.impossible?.()) ?? null
    if (why !== null) {
      if (step.hardening) print(`note: ${id}: not possible here: ${why}`)
      return { result: impossibleHere(step, why), changed: 0 }
    }
    return ended('ok', [], (await applyStep(step, host, record, print)).length)
  } catch (thrown) {
    if (!step.hardening || !(thrown instanceof Failure)) throw thrown
    return ended('failed', [thrown.message])
  }
}

async function undo({ host, record, steps, problems }: SetUp, { paths, print }: SetupOptions): Promise<number> {
  problems.throwIfAny()
  const done = []
  for (const step of steps) if ((await record.of(step.id)).length > 0) done.push(step)
  if (done.some(({ hardening }) => !hardening)) await refuseWhileServing(paths, host)
  for (const step of done.toReversed()) {
    const left = await undoStep(host, record, step.id)
    print(`undone: ${step.id}`)
    for (const what of left) print(`stays: ${what}`)
  }
  if (done.length === 0) print('nothing to undo')
  return exitClass.ok
}

/** @throws Failure `refused` while an app serves, or the core runs, which has the data and needs engine and agent too */
export async function refuseWhileServing({ state }: Pick<Layout, 'state'>, host: Host): Promise<void> {
  const { serving, transaction } = (await openState(state)).state
  if (transaction) throw refused(`undo: ${transaction.kind} ${transaction.id} runs; wait for its end`)
  if (serving)
    throw refused(
      `undo: ${serving.release} serves here, and would be left without its agent; undo hardening only (--only NAME), or move the app away first`,
    )
  const core = await outputOf(host, 'docker', 'ps', '--quiet', '--filter', 'label=com.docker.compose.project=pacs')
  if (core?.trim())
    throw refused(
      'undo: the core runs here (docker compose -p pacs ps), and would be left without engine and agent; undo hardening only (--only NAME), or stop it first (docker compose -p pacs stop)',
    )
}

/** Who runs this: by sudo, else by the log-in that the kernel remembers through `su`. */
async function handOf(host: Host): Promise<string> {
  return process.env.SUDO_USER || (await outputOf(host, 'logname'))?.trim() || 'root'
}
