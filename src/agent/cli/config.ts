import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, exitClass, Failure, Problems } from '../../lib/index.ts'
import { parseManifest } from '../../release/index.ts'
import { checkStack, formatFinding, loadStack, variablesOf } from '../../stack/index.ts'
import type { Layout } from '../layout.ts'
import { checkAcmeStore, checkCertificateOf } from '../server/check-certificate.ts'
import { checkConfig, PUBLIC_HOST } from '../server/check-config.ts'
import { type ConfigRevision, nextFiles, openConfig } from '../server/config.ts'
import { judgeEnv, readExample } from '../server/judge-env.ts'
import { judgeSecrets } from '../server/judge-secrets.ts'
import { judgeUsers } from '../server/judge-users.ts'
import { BACKUP_VARIABLES } from '../server/plan-data.ts'
import { type Command, type Console, readArgs } from './command.ts'

export const config: Command = {
  usage: 'edit | check | show-names',
  summary:
    'edits config/next (the next deploy seals it), names what is missing, weak or still an example in it, lists its names without values',
  async run(args, console) {
    const [verb] = readArgs(args, {}, [1, 1]).operands
    if (verb === 'edit') {
      await edit(console)
      return check(console)
    }
    if (verb === 'check') return check(console)
    if (verb === 'show-names') return showNames(console)
    throw badInput(`config has no ${JSON.stringify(verb)}: edit, check or show-names`)
  },
}

async function edit({ paths, env, print }: Console): Promise<void> {
  const file = join(paths.configNext, '.env')
  if (!(await exists(file))) {
    const release = await newestRelease(paths)
    const example = release && join(release, 'stack', '.env.example')
    if (example && (await exists(example))) await copyFile(example, file)
    else await writeFile(file, '')
    print(`${file} is new`)
  }
  await giveToAgent(paths, file)
  const [editor = 'vi', ...args] = (env.VISUAL || env.EDITOR || 'vi').split(' ')
  const child = spawn(editor, [...args, file], { stdio: 'inherit' })
  const [code] = await Promise.race([
    once(child, 'close'),
    once(child, 'error').then(([thrown]) => {
      throw badInput(`the editor ${editor} could not be started (${thrown}): set EDITOR`)
    }),
  ])
  // An editor that replaces the file leaves root's own behind.
  await giveToAgent(paths, file)
  if (code !== 0) throw new Failure('error', `the editor ${editor} ended with ${code}; ${file} is as it left it`)
}

/** The daemon must read it, nobody else may. */
async function giveToAgent(paths: Layout, file: string): Promise<void> {
  const { uid, gid } = await stat(paths.configNext)
  if (process.getuid?.() === 0) await chown(file, uid, gid)
  await chmod(file, 0o600)
}

async function check(console: Console): Promise<number> {
  const { paths, print } = console
  const next = await openNext(paths)
  const release = await newestRelease(paths)
  const problems = new Problems()
  const stack = release === null ? null : await loadStack({ directory: join(release, 'stack') })
  const example = release && (await readFile(join(release, 'stack', '.env.example'), 'utf8').catch(() => null))
  if (stack) {
    for (const finding of checkStack(stack)) problems.add(formatFinding(finding))
    await checkConfig(stack, next, problems)
  }
  checkCertificateOf(next, console.now().getTime(), problems)
  await checkAcmeStore(paths, problems)
  judgeEnv(await readFile(join(next.directory, '.env'), 'utf8'), {
    example: example ? readExample(example) : null,
    known: stack && [PUBLIC_HOST, ...BACKUP_VARIABLES, ...variablesOf(stack).map(({ name }) => name)],
    problems,
  })
  const secrets = await secretsOf(next)
  judgeSecrets(secrets, problems)
  judgeUsers(secrets, problems)
  problems.throwIfAny()
  if (release === null) {
    print(
      `${Object.keys(next.env).length} variables; no release has come to this server yet, so what it needs is not known`,
    )
    return exitClass.ok
  }
  const manifest = parseManifest('release.json', await readFile(join(release, 'release.json'), 'utf8'))
  print(`complete for ${manifest.id}; the next deploy takes it`)
  return exitClass.ok
}

/** The contents of the files of secrets, and of variables that hold one. */
async function secretsOf({ directory, env }: ConfigRevision): Promise<Map<string, string>> {
  const names = await readdir(join(directory, 'secrets')).catch(() => [])
  const found = new Map<string, string>()
  for (const name of names.toSorted())
    found.set(`secrets/${name}`, await readFile(join(directory, 'secrets', name), 'utf8').catch(() => ''))
  for (const [name, value] of Object.entries(env)) found.set(`.env: ${name}`, value)
  return found
}

async function showNames({ paths, print }: Console): Promise<number> {
  const next = await openNext(paths)
  for (const name of Object.keys(next.env).toSorted()) print(`${name}${next.env[name] ? '' : ' (empty)'}`)
  const files = await readdir(next.directory, { recursive: true, withFileTypes: true })
  for (const entry of files) if (entry.isFile() && entry.name !== '.env') print(join(entry.parentPath, entry.name))
  return exitClass.ok
}

async function openNext(paths: Layout): Promise<ConfigRevision> {
  await nextFiles(paths)
  return openConfig(paths, 'next')
}

/** The folder of the newest release on this server; ids begin with their time. */
async function newestRelease(paths: Layout): Promise<string | null> {
  const ids = (await readdir(paths.releases).catch(() => [])).filter((name) => !name.startsWith('.')).sort()
  const newest = ids.at(-1)
  return newest === undefined ? null : join(paths.releases, newest)
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
