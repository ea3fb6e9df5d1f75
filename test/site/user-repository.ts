// What a team has: one repository with the app, the stack, the environments file and the example workflows, on a machine that can
// run jobs. act runs them there in GitHub's place, with the suite of this repository's HEAD.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf, run } from '../../src/lib/index.ts'
import { installScanner, type Lab, type Machine } from '../lab/index.ts'
import { repositoryRoot } from './server.ts'
import { messageIn, readRun, type WorkflowRun } from './workflow-run.ts'

export type { WorkflowRun } from './workflow-run.ts'

const CHECKOUT = '/srv/pacs'
const SUITE = '/srv/pacs-deploy'
/** Stand-ins for what GitHub's own actions do with GitHub, by the name of their repository. */
const ACTIONS = '/srv/github-actions'
const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt'
/** Where the lab's registry takes the team's images. */
export const IMAGES = 'registry.lab:5000/org/pacs'

/** Lays the stand-ins of {@link ACTIONS} down. @returns for each use of one in the examples, where it lies */
async function layActions(runner: Machine): Promise<string[]> {
  const folder = join(repositoryRoot, 'test', 'fixtures', 'github-actions')
  const examples = await readFile(join(repositoryRoot, 'workflows-examples', 'scan.yml'), 'utf8')
  for (const file of ['codeql-action/upload-sarif/action.yml', 'upload-artifact/action.yml']) {
    await runner.copyIn(join(folder, file), `${ACTIONS}/${file}`)
  }
  const uses = examples.matchAll(/uses: ((?:github|actions)\/(codeql-action|upload-artifact))[^@\n]*@([0-9a-f]{40})/g)
  return [...uses].map(([, repository, name, ref]) => `${repository}@${ref}=${ACTIONS}/${name}`)
}

export class UserRepository {
  readonly #runner: Machine
  readonly #sshKey: string
  readonly #scan: Readonly<Record<string, string>>
  /** What stands in for GitHub's own actions: `owner/name@ref=folder`. */
  readonly #actions: readonly string[]

  private constructor(
    runner: Machine,
    sshKey: string,
    scan: Readonly<Record<string, string>>,
    actions: readonly string[],
  ) {
    this.#actions = actions
    this.#runner = runner
    this.#sshKey = sshKey
    this.#scan = scan
  }

  /** Makes the repository with its first commit, and lays the suite beside it. */
  static async create(lab: Lab): Promise<UserRepository> {
    const { runner } = lab
    await runner.run(['rm', '-rf', SUITE, CHECKOUT])
    // What a job needs of the suite: act copies all of it for every step.
    await unpack(runner, SUITE, ['.', ':!test', ':!src', ':!docs', ':!scripts'])
    await unpack(runner, CHECKOUT, ['deployment', 'workflows-examples'])
    const environments = [...lab.servers.values()].map(
      (server) =>
        `${server.name}:\n  host: ${server.hostname}\n  user: pacs\n  host-keys:\n    - ${server.hostKey}\n  public-url: https://${server.hostname}\n`,
    )
    await runner.copyIn(Buffer.from(environments.join('\n')), `${CHECKOUT}/deployment/environments.yml`)
    const repository = new UserRepository(
      runner,
      await readFile(lab.sshKey, 'utf8'),
      await scanVariables(lab),
      await layActions(runner),
    )
    await runner.run(['mkdir', '-p', `${CHECKOUT}/.github`])
    await runner.run(['mv', `${CHECKOUT}/workflows-examples`, `${CHECKOUT}/.github/workflows`])
    // act's schema is older than `queue`; it keeps no queue anyway. Nothing else of the examples is touched.
    await runner.run(['sh', '-c', `sed -i '/^ *queue: max$/d' ${CHECKOUT}/.github/workflows/*.yml`])
    // act does not know the runner's reference to the action's own repository.
    await runner.run(['sed', '-i', 's,uses: \\$/\\(.*\\),uses: org/pacs-deploy/\\1@v1,', `${SUITE}/action.yml`])
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
    await this.#backToFirst()
    const file = `/srv/${patch}`
    await this.#runner.copyIn(join(repositoryRoot, 'test', 'fixtures', 'releases', patch), file)
    await this.#git('apply', file)
    await this.#commit(patch)
  }

  /** Puts the first commit on main with one file of it rewritten, for example a core service's configuration. */
  async change(path: string, rewrite: (text: string) => string): Promise<void> {
    await this.#backToFirst()
    await this.edit(path, rewrite)
  }

  /** Rewrites one file of what is on main, in a commit of its own. */
  async edit(path: string, rewrite: (text: string) => string): Promise<void> {
    const file = `${CHECKOUT}/${path}`
    const before = await this.#runner.readText(file)
    const after = rewrite(before)
    if (after === before) throw new Error(`${path} was to be changed and is as it was`)
    await this.#runner.copyIn(Buffer.from(after), file)
    await this.#commit(path)
  }

  /** Adds a migration of test/fixtures (by default of shipped-migrations) to what is on main, and locks it as a team does. */
  async addMigration(name: string, fixture = `shipped-migrations/${name}`): Promise<void> {
    const folder = `${CHECKOUT}/deployment/production/migrations`
    await this.#runner.copyIn(join(repositoryRoot, 'test/fixtures', fixture), `${folder}/${name}`)
    await this.#runner.run(['node', `${SUITE}/dist/cli/index.js`, 'migrations', 'lock'], { cwd: CHECKOUT })
    await this.#commit(name)
  }

  /** Adds a file of test/fixtures to what is on main. */
  async addFile(path: string, fixture: string): Promise<void> {
    await this.#runner.copyIn(join(repositoryRoot, 'test/fixtures', fixture), `${CHECKOUT}/${path}`)
    await this.#commit(path)
  }

  /**
   * Leaves a secret where people leave them, in no commit: beside the app and in the folders that an image takes.
   * @param taken left in the same way in those folders, under names that nothing keeps out of an image
   */
  async plant(secret: string, taken: string): Promise<void> {
    const places = [
      ...['production/.env', 'reference-app/.env', 'reference-app/server/.env', 'reference-app/server/src/.env'],
      ...[
        'reference-app/server/src/.git/config',
        'reference-app/server/src/tls.key',
        'reference-app/client/.env.local',
      ],
      ...[
        'reference-app/client/public/.env',
        'reference-app/client/public/id_ed25519',
        'reference-app/client/public/key.pem',
      ],
    ]
    const open = ['reference-app/server/src/planted.txt', 'reference-app/client/public/planted.txt']
    for (const place of [...places, ...open]) {
      const path = `deployment/${place}`
      const content = open.includes(place) ? taken : secret
      await this.#runner.copyIn(Buffer.from(`SECRET=${content}\n`), `${CHECKOUT}/${path}`)
      await this.#runner.run(['sh', '-c', `echo '/${path}' >> .git/info/exclude`], { cwd: CHECKOUT })
    }
    await this.#git('config', 'pacs.planted', secret)
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

  /** Lets what is on main be the first commit, from which the other releases are made. */
  async makeFirst(): Promise<void> {
    await this.#git('tag', '-f', 'first')
  }

  /** A pull request that adds a migration of test/fixtures/shipped-migrations: the workflow plan.yml. */
  async pullRequest(migration: string): Promise<WorkflowRun> {
    const repository = { full_name: 'org/pacs' }
    const change = { number: 1, head: { ref: 'change', repo: repository }, base: { ref: 'main' } }
    await this.#runner.copyIn(Buffer.from(JSON.stringify({ repository, pull_request: change })), '/srv/event.json')
    await this.addMigration(migration)
    try {
      return await this.#act(['pull_request', '-W', '.github/workflows/plan.yml', '-e', '/srv/event.json'], {})
    } finally {
      await this.#git('reset', '-q', '--hard', 'HEAD~1')
    }
  }

  /** A contract by hand: the workflow migrate-contract.yml. */
  contract(inputs: { environment: string; release: string; reason: string }): Promise<WorkflowRun> {
    return this.#dispatch('migrate-contract.yml', inputs, {})
  }

  /** A rollback by hand: the workflow rollback.yml. */
  rollback(
    inputs: { environment: string; release?: string; reason: string },
    options: RunOptions = {},
  ): Promise<WorkflowRun> {
    return this.#dispatch('rollback.yml', inputs, options)
  }

  /** A given release to one environment by hand: the workflow deploy-environment.yml. */
  bring(inputs: { environment: string; release: string }, options: RunOptions = {}): Promise<WorkflowRun> {
    return this.#dispatch('deploy-environment.yml', inputs, options)
  }

  /** A proof of restore by hand: the workflow verify-backup.yml. */
  verifyBackup(inputs: { environment: string; backup?: string }, options: RunOptions): Promise<WorkflowRun> {
    return this.#dispatch('verify-backup.yml', inputs, options)
  }

  /** What runs on an environment, judged by hand: the workflow scan.yml. */
  scan(inputs: { environment: string }, options: RunOptions): Promise<WorkflowRun> {
    return this.#dispatch('scan.yml', inputs, options)
  }

  /** The address of the machine that runs the lab, as a job sees it. */
  async hostAddress(): Promise<string> {
    const routes = await this.#runner.run(['ip', 'route', 'show', 'default'])
    const address = /^default via (\S+)/.exec(routes)?.[1]
    if (address === undefined) throw new Error(`the runner has no way out: ${routes}`)
    return address
  }

  /** Cancels the run that goes on, as a person does by Ctrl-C: SIGINT to act. */
  async cancel(): Promise<void> {
    await this.#runner.run(['pkill', '--signal', 'INT', '--exact', 'act'])
  }

  #dispatch(workflow: string, inputs: Readonly<Record<string, string>>, options: RunOptions): Promise<WorkflowRun> {
    const given = Object.entries(inputs).flatMap(([name, value]) => ['--input', `${name}=${value}`])
    return this.#act(['workflow_dispatch', '-W', `.github/workflows/${workflow}`, ...given], options)
  }

  async #act(
    args: readonly string[],
    { vars = {}, github, attempt = 1, onLine, onServer, through = [] }: RunOptions,
  ): Promise<WorkflowRun> {
    // Secrets stand in a file that only root can read, as act takes them; never in its argv.
    await this.#runner.copyIn(
      Buffer.from(`SSH_KEY: ${JSON.stringify(this.#sshKey)}\nGITHUB_TOKEN: ${github?.token ?? 'lab-registry-token'}\n`),
      '/srv/secrets.yml',
      0o600,
    )
    const all = { IMAGES, CA_FILE: CA_BUNDLE, ...this.#scan, WATCH: '3s', HOLD: '5s', KEEP_WARM: '10m', ...vars }
    const lines: string[] = []
    let reached = false
    const { code } = await this.#runner.exec(
      [
        ...through,
        'act',
        ...args,
        ...['-P', 'ubuntu-latest=-self-hosted', '--local-repository', `org/pacs-deploy@v1=${SUITE}`],
        ...this.#actions.flatMap((mapping) => ['--local-repository', mapping]),
        // The checkout of a job holds what lies in it, also what git ignores.
        '--use-gitignore=false',
        ...['--no-cache-server', '--json', '--actor', 'jane', '--secret-file', '/srv/secrets.yml'],
        ...['--env', `GITHUB_API_URL=${github?.url ?? 'http://127.0.0.1:9'}`, '--env', `GITHUB_RUN_ATTEMPT=${attempt}`],
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

  /** Files and index as in the first commit: what later ones added is gone. */
  #backToFirst(): Promise<string> {
    return this.#git('read-tree', '-u', '--reset', 'first')
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
  /** Who answers as GitHub's API, and which token it knows; nobody where it is absent. */
  github?: { url: string; token: string }
  vars?: Readonly<Record<string, string>>
  /** Which run of the workflow on this commit it is, by GitHub's count. */
  attempt?: number
  /** What act is run by. */
  through?: readonly string[]
  /** Called with what the steps print. */
  onLine?: (line: string) => void
  /** Called when the first step that changes a server begins: a build before it leaves servers alone. */
  onServer?: () => void
}

/** The steps of the workflows that change a server. */
const REACHES_SERVER = /: ⭐ Run Main (Deploy|Roll back|Bring)$/

/** The variables that lead the example workflows to the lab's scanner and to its database. */
async function scanVariables({ runner, registry }: Lab): Promise<Record<string, string>> {
  const { scanner, 'scanner-sha256': sha256 } = await installScanner(runner)
  return {
    SCANNER: scanner,
    SCANNER_SHA256: sha256,
    SCAN_DATABASE: registry.database,
    SCAN_JAVA_DATABASE: registry.javaDatabase,
  }
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
