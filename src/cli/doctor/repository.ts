import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, messageOf, tryRun } from '../../lib/index.ts'
import { lintMigrations } from '../../migrations/index.ts'
import { type Environment, parseEnvironments } from '../../ssh/index.ts'
import { checkStack, gateStack, loadStack } from '../../stack/index.ts'
import { filesToCopy, shippedText } from '../init.ts'
import { examineBuilds } from './build-sources.ts'
import { HOST_KEY, isExampleKey, type Note, type Remark, remarksOf } from './remark.ts'
import { examineWorkflows, NEEDED_WORKFLOWS } from './workflows.ts'

const STACK = 'deployment/production'
const COMPOSE = 'docker-compose.prod.yml'
const ENVIRONMENTS = 'deployment/environments.yml'
const SECRET_FILES = /(^|\/)(\.env(?!\.example$)(\.[^/]*)?|secrets\/.+|[^/]+\.(key|pem|p12|pfx))$/

export interface RepositoryFindings {
  remarks: Remark[]
  /** What the environments file has, without what is still the example; empty where it cannot be read. */
  environments: Environment[]
  /** The names of all that it has; null where it cannot be read. */
  names: string[] | null
}

/** Looks at the checkout in `directory`, without network. @param root of this package */
export async function examineRepository(directory: string, root: string, path: string): Promise<RepositoryFindings> {
  const { remarks, note } = remarksOf('repository')
  const files = await filesToCopy(root, false)
  await examineFiles(directory, root, files, note)
  await examineWorkflows(directory, note)
  await examineStack(directory, note)
  await examineMigrations(directory, note)
  await examineSecrets(directory, path, note)
  return { remarks, ...(await examineEnvironments(directory, note)) }
}

async function examineFiles(
  directory: string,
  root: string,
  files: Awaited<ReturnType<typeof filesToCopy>>,
  note: Note,
): Promise<void> {
  let differing = 0
  for (const file of files) {
    const { to } = file
    const shipped = await shippedText(root, file)
    const present = await readFile(join(directory, to), 'utf8').catch(() => null)
    if (present !== null) {
      if (to !== ENVIRONMENTS && present !== shipped) differing++
      continue
    }
    const workflow = /^\.github\/workflows\/(.+)$/.exec(to)?.[1]
    const isNeeded =
      workflow === undefined ? to === ENVIRONMENTS || to === `${STACK}/${COMPOSE}` : NEEDED_WORKFLOWS.includes(workflow)
    if (isNeeded) note('missing', `there is no ${to}`, 'pacs-deploy init')
    else if (workflow !== undefined) note('warning', `there is no ${to}`, 'pacs-deploy init, or do without it')
  }
  if (differing > 0) note('ok', `${differing} files differ from this version of pacs-deploy (init --diff shows how)`)
}

async function examineStack(directory: string, note: Note): Promise<void> {
  try {
    const stack = await loadStack({ directory: join(directory, STACK), file: COMPOSE })
    await examineBuilds(stack, join(directory, STACK), note)
    const { blockers } = gateStack(stack)
    const findings = [...checkStack(stack), ...blockers]
    for (const { file, line, message, rule } of findings) {
      note('missing', `${STACK}/${file}:${line}: ${message} [${rule}]`, 'mend it, then: pacs-deploy stack check')
    }
    if (findings.length === 0) note('ok', `${COMPOSE}: ${stack.services.size} services, nothing to mend`)
  } catch (thrown) {
    // Without Docker on this machine nobody can say.
    const state = thrown instanceof Failure && thrown.kind === 'error' ? 'unknown' : 'missing'
    note(state, `${STACK}/${COMPOSE}: ${messageOf(thrown)}`, 'pacs-deploy stack check')
  }
}

async function examineMigrations(directory: string, note: Note): Promise<void> {
  try {
    const findings = await lintMigrations(join(directory, STACK, 'migrations'))
    const errors = findings.filter(({ level }) => level === 'error')
    for (const { message } of errors) note('missing', `migrations: ${message}`, 'pacs-deploy migrations lint')
    if (errors.length === 0) note('ok', 'migrations are locked and lint lets them pass')
  } catch (thrown) {
    note('missing', `migrations cannot be read: ${messageOf(thrown)}`, 'pacs-deploy migrations lint')
  }
}

/** Secrets in the history of a repository are secrets of everybody who ever read it. */
async function examineSecrets(directory: string, path: string, note: Note): Promise<void> {
  const { code, stdout } = await tryRun('git', ['ls-files', '-z'], { cwd: directory, env: { PATH: path } })
  if (code !== 0) return note('missing', `${directory} is no git repository`, 'git init, or go to the top of yours')
  const found = stdout.split('\0').filter((file) => SECRET_FILES.test(file))
  for (const file of found) {
    note(
      'missing',
      `${file} is committed, and its name is that of a secret`,
      'git rm --cached it, then change the secret',
    )
  }
  if (found.length === 0) note('ok', 'no .env, key or secret is committed')
}

async function examineEnvironments(directory: string, note: Note): Promise<Omit<RepositoryFindings, 'remarks'>> {
  const none = { environments: [], names: null }
  const text = await readFile(join(directory, ENVIRONMENTS), 'utf8').catch(() => undefined)
  if (text === undefined) return none
  try {
    const environments = parseEnvironments(ENVIRONMENTS, text)
    const examples = environments.filter(({ target, publicUrl }) => {
      const hosts = [target.host, target.jump?.host ?? '', new URL(publicUrl).hostname]
      const keys = [...target['host-keys'], ...(target.jump?.['host-keys'] ?? [])]
      return hosts.some((host) => /(^|\.)example\.(org|com|net)$/.test(host)) || keys.some(isExampleKey)
    })
    for (const { name } of examples) {
      note(
        'missing',
        `${ENVIRONMENTS}: ${name} is still the example`,
        `its host, its host key and its public URL (${HOST_KEY})`,
      )
    }
    const real = environments.filter((environment) => !examples.includes(environment))
    if (real.length > 0) note('ok', `${ENVIRONMENTS} names ${real.map(({ name }) => name).join(', ')}`)
    return { environments: real, names: environments.map(({ name }) => name) }
  } catch (thrown) {
    for (const line of messageOf(thrown).split('\n')) note('missing', line, 'mend it')
    return none
  }
}
