import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { run } from '../../src/lib/index.ts'
import type { Machine } from '../lab/index.ts'
import { inputVariables, parseFileCommands, readAction } from '../runner/index.ts'
import { repositoryRoot } from '../site/server.ts'

const SUITE = '/srv/pacs-deploy'
/** The checkout. */
export const WORKSPACE = '/srv/shop'

const answerSchema = z.object({ ms: z.number(), code: z.number().nullable(), outputs: z.string(), log: z.string() })

/** A job in the lab's runner: the suite's dist and a checkout of the shop. */
export class ShopJob {
  readonly #runner: Machine

  private constructor(runner: Machine) {
    this.#runner = runner
  }

  /**
   * @param environments the environments file of the checkout
   * @param tree what the checkout holds: the shop when left out
   */
  static async create(runner: Machine, environments: string, tree = 'test/bench/shop'): Promise<ShopJob> {
    await copyTree(runner, repositoryRoot, 'dist', SUITE)
    await copyTree(runner, join(repositoryRoot, tree), '.', WORKSPACE)
    await runner.copyIn(join(repositoryRoot, 'test/bench/step.ts'), `${SUITE}/step.ts`)
    await runner.copyIn(Buffer.from(environments), `${WORKSPACE}/environments.yml`)
    const job = new ShopJob(runner)
    await job.#git('init', '-q', '-b', 'main')
    await job.#git('config', 'user.name', 'Jane')
    await job.#git('config', 'user.email', 'jane@shop.example')
    await job.#git('add', '-A')
    return job
  }

  /** Makes the next commit: the same app, which says another commit of itself. @param line added to the end of `path` */
  async commit(path?: string, line = ''): Promise<string> {
    if (path !== undefined) {
      const file = `${WORKSPACE}/${path}`
      await this.#runner.copyIn(Buffer.from(`${await this.#runner.readText(file)}${line}\n`), file)
      await this.#git('add', '-A')
    }
    await this.#git('commit', '-q', '--allow-empty', '-m', 'The next version')
    return (await this.#git('rev-parse', 'HEAD')).trim()
  }

  /**
   * Runs the main program of an action.
   * @returns its outputs, and milliseconds from the start of its process to its end
   * @throws Error with what it printed when it did not end well
   */
  async run(action: string, inputs: Readonly<Record<string, string>>, commit: string) {
    const env = {
      ...inputVariables(await readAction(`actions/${action}`), inputs),
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: WORKSPACE,
      GITHUB_REPOSITORY: 'org/shop',
      GITHUB_ACTOR: 'jane',
      GITHUB_RUN_ID: '1',
      GITHUB_SHA: commit,
      RUNNER_TEMP: '/srv',
    }
    const input = JSON.stringify({ program: `${SUITE}/dist/${action}/index.js`, env })
    const said = await this.#runner.run(['node', '--disable-warning=ExperimentalWarning', `${SUITE}/step.ts`], {
      input,
    })
    const { ms, code, outputs, log } = answerSchema.parse(JSON.parse(said))
    if (code !== 0) throw new Error(`${action} ended with ${code}: ${log.slice(-2000)}`)
    return { ms, outputs: parseFileCommands(outputs) }
  }

  #git(...args: string[]): Promise<string> {
    return this.#runner.run(['git', ...args], { cwd: WORKSPACE })
  }
}

/** Lays `path` of a folder, as it is now, down in a machine. */
export async function copyTree(machine: Machine, from: string, path: string, to: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-tree-'))
  try {
    const archive = join(folder, 'tree.tar')
    await run('tar', ['-C', from, '-cf', archive, path], { env: { PATH: process.env.PATH ?? '' } })
    await machine.run(['mkdir', '-p', to])
    await machine.run(['tar', '-C', to, '-xf', '-', '--no-same-owner'], { input: await readFile(archive) })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
