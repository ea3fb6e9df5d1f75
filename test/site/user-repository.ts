// What a team has: one repository with the app, the stack, the environments file and the example workflows, on a machine that can
// run jobs. act runs them there in GitHub's place, with the suite of this repository's HEAD.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, run } from '../../src/lib/index.ts'
import type { Lab, Machine } from '../lab/index.ts'
import { repositoryRoot } from './server.ts'

const CHECKOUT = '/srv/pacs'
const SUITE = '/srv/pacs-deploy'
const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt'
/** Where the lab's registry takes the team's images. */
export const IMAGES = 'registry.lab:5000/org/pacs'

export interface WorkflowRun {
  /** Whether every job that ran ended well. */
  green: boolean
  /** Names of the jobs that ran: act skips what it does not know, with exit code 0. */
  jobs: readonly string[]
  /** Outputs of steps: `<job>/<step>` → name → value. */
  outputs: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** Job summaries, in order. */
  summaries: readonly string[]
  /** Everything that the jobs' log holds; masks are commands, which GitHub does not print. */
  printed: string
}

const lineSchema = z.object({
  msg: z.string().optional(),
  job: z.string().optional(),
  jobID: z.string().optional(),
  stepID: z.array(z.string()).optional(),
  command: z.string().optional(),
  name: z.string().optional(),
  arg: z.string().optional(),
  content: z.string().optional(),
})

export class UserRepository {
  readonly #runner: Machine
  readonly #sshKey: string

  private constructor(runner: Machine, sshKey: string) {
    this.#runner = runner
    this.#sshKey = sshKey
  }

  /** Makes the repository with its first commit, and lays the suite beside it. */
  static async create(lab: Lab): Promise<UserRepository> {
    const { runner } = lab
    await unpack(runner, SUITE, [])
    await unpack(runner, CHECKOUT, ['deployment', 'workflows-examples'])
    const environments = [...lab.servers.values()].map(
      (server) =>
        `${server.name}:\n  host: ${server.hostname}\n  user: pacs\n  host-keys:\n    - ${server.hostKey}\n  public-url: https://${server.hostname}\n`,
    )
    await runner.copyIn(Buffer.from(environments.join('\n')), `${CHECKOUT}/deployment/environments.yml`)
    const repository = new UserRepository(runner, await readFile(lab.sshKey, 'utf8'))
    await runner.run(['mkdir', '-p', `${CHECKOUT}/.github`])
    await runner.run(['mv', `${CHECKOUT}/workflows-examples`, `${CHECKOUT}/.github/workflows`])
    // act's schema is older than `queue`; it keeps no queue anyway. Nothing else of the examples is touched.
    await runner.run(['sh', '-c', `sed -i '/^ *queue: max$/d' ${CHECKOUT}/.github/workflows/*.yml`])
    await repository.#git('init', '-q', '-b', 'main')
    await repository.#git('config', 'user.name', 'Jane')
    await repository.#git('config', 'user.email', 'jane@hospital.example')
    await repository.#git('remote', 'add', 'origin', 'https://github.com/org/pacs.git')
    await repository.#commit('The first release')
    await repository.#git('tag', 'first')
    return repository
  }

  /** Puts the app of the first commit, changed by a patch of test/fixtures/releases, on main. */
  async release(patch: string): Promise<void> {
    await this.#git('checkout', '-q', 'first', '--', '.')
    const file = `/srv/${patch}`
    await this.#runner.copyIn(join(repositoryRoot, 'test', 'fixtures', 'releases', patch), file)
    await this.#git('apply', file)
    await this.#commit(patch)
  }

  /** Puts the first commit on main with one file of it rewritten, for example a core service's configuration. */
  async change(path: string, rewrite: (text: string) => string): Promise<void> {
    await this.#git('checkout', '-q', 'first', '--', '.')
    const file = `${CHECKOUT}/${path}`
    const before = await this.#runner.readText(file)
    const after = rewrite(before)
    if (after === before) throw new Error(`${path} was to be changed and is as it was`)
    await this.#runner.copyIn(Buffer.from(after), file)
    await this.#commit(path)
  }

  /** Makes a folder of this repository's HEAD the team's stack, in place of the shipped one. */
  async useStack(folder: string): Promise<void> {
    await this.#runner.run(['rm', '-rf', `${CHECKOUT}/deployment/production`])
    await unpack(this.#runner, `${CHECKOUT}/deployment/production`, [folder], folder.split('/').length)
    await this.#commit(folder)
  }

  /** Lets the suite bring another agent with the releases that are pushed from now on. */
  async bringAgent(script: string | Uint8Array): Promise<void> {
    await this.#runner.copyIn(Buffer.from(script), `${SUITE}/dist/agent/index.js`)
  }

  /** A push to main: the workflow release.yml. */
  push(options: RunOptions = {}): Promise<WorkflowRun> {
    return this.#act(['push', '-W', '.github/workflows/release.yml'], options)
  }

  /** The job `build` of release.yml alone. @returns the release that it pushed */
  async build(options: RunOptions = {}): Promise<string> {
    const { green, outputs, printed } = await this.#act(
      ['push', '-W', '.github/workflows/release.yml', '-j', 'build'],
      options,
    )
    const release = outputs.get('build/push')?.release
    if (!green || !release) throw new Error(`the job build pushed no release: ${printed.slice(-4000)}`)
    return release
  }

  /** A rollback by hand: the workflow rollback.yml. */
  rollback(
    inputs: { environment: string; release?: string; reason: string },
    options: RunOptions = {},
  ): Promise<WorkflowRun> {
    const given = Object.entries(inputs).flatMap(([name, value]) => ['--input', `${name}=${value}`])
    return this.#act(['workflow_dispatch', '-W', '.github/workflows/rollback.yml', ...given], options)
  }

  async #act(args: readonly string[], { vars = {}, onLine, onServer }: RunOptions): Promise<WorkflowRun> {
    // Secrets stand in a file that only root can read, as act takes them; never in its argv.
    await this.#runner.copyIn(
      Buffer.from(`SSH_KEY: ${JSON.stringify(this.#sshKey)}\nGITHUB_TOKEN: lab-registry-token\n`),
      '/srv/secrets.yml',
      0o600,
    )
    const all = { IMAGES, CA_FILE: CA_BUNDLE, WATCH: '3s', HOLD: '5s', KEEP_WARM: '10m', ...vars }
    const lines: string[] = []
    let reached = false
    const { code } = await this.#runner.exec(
      [
        'act',
        ...args,
        ...['-P', 'ubuntu-latest=-self-hosted', '--local-repository', `org/pacs-deploy@v1=${SUITE}`],
        ...['--no-cache-server', '--json', '--actor', 'jane', '--secret-file', '/srv/secrets.yml'],
        ...['--env', 'GITHUB_API_URL=http://127.0.0.1:9'],
        ...Object.entries(all).flatMap(([name, value]) => ['--var', `${name}=${value}`]),
      ],
      {
        cwd: CHECKOUT,
        onLine(line) {
          lines.push(line)
          const message = messageIn(line)
          if (message === null) return
          if (!reached && REACHES_SERVER.test(message)) {
            reached = true
            onServer?.()
          }
          onLine?.(message)
        },
      },
    )
    return readRun(code, lines)
  }

  #git(...args: string[]): Promise<string> {
    return this.#runner.run(['git', ...args], { cwd: CHECKOUT })
  }

  async #commit(message: string): Promise<void> {
    await this.#git('add', '-A')
    await this.#git('commit', '-q', '--allow-empty', '-m', message)
  }
}

export interface RunOptions {
  vars?: Readonly<Record<string, string>>
  /** Called with what the steps print. */
  onLine?: (line: string) => void
  /** Called when the first step that changes a server begins: a build before it leaves servers alone. */
  onServer?: () => void
}

/** The steps of the example workflows that change a server. */
const REACHES_SERVER = /: ⭐ Run Main (Deploy|Roll back)$/

function messageIn(line: string): string | null {
  try {
    const parsed = lineSchema.parse(JSON.parse(line))
    return parsed.msg?.trim() ? `${parsed.job ?? ''}: ${parsed.msg.trim()}` : null
  } catch {
    return line
  }
}

function readRun(code: number, lines: readonly string[]): WorkflowRun {
  const jobs = new Set<string>()
  const printed: string[] = []
  const outputs = new Map<string, Record<string, string>>()
  const summaries: string[] = []
  for (const line of lines) {
    let entry: z.infer<typeof lineSchema>
    try {
      entry = lineSchema.parse(JSON.parse(line))
    } catch {
      printed.push(line)
      continue
    }
    if (entry.command !== 'add-mask') printed.push(entry.msg?.trimEnd() ?? line)
    if (entry.jobID) jobs.add(entry.job ?? entry.jobID)
    if (entry.command === 'summary' && entry.content) summaries.push(entry.content)
    if (entry.command === 'set-output' && entry.name) {
      const key = `${entry.jobID}/${entry.stepID?.join('.')}`
      outputs.set(key, { ...outputs.get(key), [entry.name]: entry.arg ?? '' })
    }
  }
  return { green: code === 0, jobs: [...jobs], outputs, summaries, printed: printed.join('\n') }
}

/** Lays (a part of) HEAD down in the runner, as a release of the suite would be fetched. */
async function unpack(runner: Machine, directory: string, paths: readonly string[], strip = 0): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-archive-'))
  const archive = join(folder, 'head.tar')
  try {
    await run('git', ['-C', repositoryRoot, 'archive', '--format=tar', '-o', archive, 'HEAD', ...paths], {
      env: { PATH: process.env.PATH ?? '' },
    })
    await runner.run(['mkdir', '-p', directory])
    await runner.run(['tar', '-C', directory, `--strip-components=${strip}`, '-xf', '-'], {
      input: await readFile(archive),
    })
  } catch (thrown) {
    throw new Error(`HEAD could not be laid down in the runner: ${messageOf(thrown)}`, { cause: thrown })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
