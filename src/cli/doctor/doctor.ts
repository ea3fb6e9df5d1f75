import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { badInput, exitClass, tryRun } from '../../lib/index.ts'
import { readArguments } from '../arguments.ts'
import type { Console } from '../console.ts'
import { examineGitHub } from './github.ts'
import type { Remark } from './remark.ts'
import { examineRepository } from './repository.ts'
import { examineServer } from './server.ts'

/** `doctor`: all that is missing at once, in the repository, on GitHub, and on each server. Changes nothing. */
export async function doctorCommand(args: readonly string[], { print, root, env }: Console): Promise<number> {
  const { values } = readArguments('doctor', args, {
    directory: { type: 'string', default: '.' },
    environment: { type: 'string' },
    'ssh-key': { type: 'string' },
    repository: { type: 'string' },
    offline: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  })
  const directory = resolve(values.directory)
  const path = env.PATH ?? ''
  const key = values['ssh-key'] === undefined ? undefined : await readKey(values['ssh-key'])
  const { remarks, environments, names } = await examineRepository(directory, root, path)
  const wanted = environments.filter(({ name }) => values.environment === undefined || name === values.environment)
  // Without a file that can be read, or with one that is still the example, the remarks say what is to be done first.
  if (values.environment !== undefined && names !== null && !names.includes(values.environment)) {
    throw badInput(`doctor: deployment/environments.yml has no environment "${values.environment}"`)
  }
  if (!values.offline) {
    const repository = values.repository ?? (await originOf(directory, path))
    const api = env.GITHUB_API_URL ?? 'https://api.github.com'
    const version = await versionOf(root)
    const others = await Promise.all([
      examineGitHub(
        { api, token: env.GITHUB_TOKEN, repository },
        environments.map(({ name }) => name),
      ),
      ...wanted.map((environment) =>
        examineServer(environment, { key, version, env: { PATH: path, HOME: env.HOME ?? '/' } }),
      ),
    ])
    remarks.push(...others.flat())
  }
  if (values.json) print(JSON.stringify({ remarks }))
  else for (const line of asTable(remarks)) print(line)
  return remarks.some(({ state }) => state === 'missing') ? exitClass.refused : exitClass.ok
}

function asTable(remarks: readonly Remark[]): string[] {
  const width = Math.max(...remarks.map(({ place }) => place.length))
  const lines = remarks.map(({ place, state, what, todo }) => {
    return `${state.padEnd(7)}  ${place.padEnd(width)}  ${what}${todo === '' ? '' : `: ${todo}`}`
  })
  const count = (state: Remark['state']) => remarks.filter((remark) => remark.state === state).length
  const summary = `${count('missing')} missing, ${count('warning')} to consider, ${count('unknown')} not looked at, ${count('ok')} well`
  return [...lines, summary]
}

async function readKey(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) throw badInput(`doctor: --ssh-key: ${file} cannot be read`)
  return text
}

/** `owner/name` of the remote `origin`. */
async function originOf(directory: string, path: string): Promise<string | undefined> {
  const { stdout } = await tryRun('git', ['remote', 'get-url', 'origin'], { cwd: directory, env: { PATH: path } })
  return /[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(stdout.trim())?.[1]
}

async function versionOf(root: string): Promise<string> {
  const text = await readFile(join(root, 'package.json'), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}
