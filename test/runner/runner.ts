import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ActionFile } from '../../scripts/action-files.ts'
import { parseFileCommands } from './commands.ts'
import { inputVariables, readAction } from './inputs.ts'
import { StepLog } from './log.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Where Node keeps what it compiled of the sources: nearly every step of a test loads the same ones. */
const COMPILED = join(root, '.build', 'compiled-sources')

/** Milliseconds between SIGINT and the next signal (actions/runner ProcessInvoker.cs). */
const GRACE_MS = 7500

export interface StepOptions {
  /** Folder of the action, like `actions/deploy`, in the repository. */
  action: string
  with?: Readonly<Record<string, string>>
  /** Values of the `secrets` context: masked from the start. */
  secrets?: readonly string[]
  /** Files of the workspace, by path. */
  files?: Readonly<Record<string, string>>
  env?: Readonly<Record<string, string>>
  /** Sends SIGINT, as a cancelled job does, when a shown line has this text. */
  cancelAt?: string
}

export interface StepResult {
  /** Exit code; null when a signal ended it. */
  code: number | null
  log: StepLog
  outputs: Record<string, string>
  summary: string
  /** Whether a cancelled step ended by itself within the time that the runner gives it, before SIGTERM. */
  endedInTime?: boolean
  /** Runs the post step with the state that the main step saved. */
  post(): Promise<StepLog>
}

/** A job's folders: workspace, temporary folder, and what GitHub calls the runner's files. */
export class Job implements AsyncDisposable {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  static async create(): Promise<Job> {
    const job = new Job(await mkdtemp(join(tmpdir(), 'pacs-job-')))
    for (const name of ['workspace', 'temp', 'files']) await mkdir(join(job.directory, name))
    return job
  }

  get workspace(): string {
    return join(this.directory, 'workspace')
  }

  get temp(): string {
    return join(this.directory, 'temp')
  }

  /** Runs a JavaScript action as the runner does: its own environment, inputs with their defaults, node on `runs.main`. */
  async run(options: StepOptions): Promise<StepResult> {
    const file = await readAction(options.action)
    if (file.runs.using !== 'node24') throw new Error(`${options.action} is no JavaScript action`)
    for (const [name, text] of Object.entries(options.files ?? {})) {
      await mkdir(dirname(join(this.workspace, name)), { recursive: true })
      await writeFile(join(this.workspace, name), text)
    }
    const { post } = file.runs
    const step = await this.#step(file, options)
    const ended = await step(await this.#program(options, 'main'), {})
    return {
      ...ended,
      post: async () => {
        if (post === undefined) throw new Error(`${options.action} has no post step`)
        const state = Object.entries(ended.state).map(([name, value]) => [`STATE_${name}`, value])
        return (await step(await this.#program(options, 'post'), Object.fromEntries(state))).log
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
  }

  /** The file that node runs: a stub like the committed one, that imports the source. */
  async #program({ action }: StepOptions, step: 'main' | 'post'): Promise<string> {
    const name = basename(action)
    const stub = join(this.directory, 'dist', name, step === 'main' ? 'index.js' : 'post.js')
    await mkdir(dirname(stub), { recursive: true })
    await writeFile(join(this.directory, 'dist', 'package.json'), '{ "type": "module" }')
    await copyFile(join(root, 'tools.lock.json'), join(this.directory, 'dist', 'tools.lock.json'))
    const entry = JSON.stringify(join(root, 'src', 'actions', `${name}.ts`))
    await writeFile(stub, `import { ${step} } from ${entry}\nawait ${step}()\n`)
    return stub
  }

  async #step(file: ActionFile, options: StepOptions) {
    const github = {
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: this.workspace,
      GITHUB_REPOSITORY: 'org/pacs',
      GITHUB_ACTOR: 'octocat',
      GITHUB_TRIGGERING_ACTOR: 'octocat',
      GITHUB_RUN_ID: '4711',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_SHA: 'a'.repeat(40),
      RUNNER_TEMP: this.temp,
      ...options.env,
    }
    const inputs = inputVariables(file, options.with ?? {}, { 'github.actor': github.GITHUB_ACTOR, 'github.token': '' })
    return async (program: string, state: Record<string, string>) => {
      const files: Record<string, string> = {}
      for (const name of ['OUTPUT', 'STATE', 'ENV', 'PATH', 'STEP_SUMMARY']) {
        const path = join(this.directory, 'files', `${name}-${Math.random().toString(36).slice(2)}`)
        await writeFile(path, '')
        files[`GITHUB_${name}`] = path
      }
      const node = { PATH: process.env.PATH ?? '', HOME: this.directory, NODE_COMPILE_CACHE: COMPILED }
      const env = { ...node, ...github, ...inputs, ...files, ...state }
      const child = spawn(process.execPath, [program], { cwd: this.workspace, env, stdio: ['ignore', 'pipe', 'pipe'] })
      const log = new StepLog(options.secrets ?? [])
      let terminate: NodeJS.Timeout | undefined
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          log.add(line)
          if (options.cancelAt === undefined || terminate !== undefined || !line.includes(options.cancelAt)) return
          child.kill('SIGINT')
          terminate = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
        })
      }
      const [code] = (await once(child, 'close')) as [number | null]
      clearTimeout(terminate)
      const read = async (name: string) => readFile(files[`GITHUB_${name}`] ?? '', 'utf8')
      return {
        code,
        log,
        outputs: parseFileCommands(await read('OUTPUT')),
        state: parseFileCommands(await read('STATE')),
        summary: log.hide(await read('STEP_SUMMARY')),
        ...(terminate === undefined ? {} : { endedInTime: code !== null }),
      }
    }
  }
}
