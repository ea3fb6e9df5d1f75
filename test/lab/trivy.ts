// The scanner takes minutes to build and is needed late, so it is built in the engine beside all other preparation, with what
// processor time that leaves, and goes on when the process that began it ends.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { bootstrappedTag, ensureBaseImage, hubAnswers } from './base-image.ts'
import { docker, IMAGE_LABEL, tryDocker } from './docker.ts'
import { ensureEngine } from './engine.ts'
import { LabError } from './errors.ts'
import { HOST_CERTIFICATES, imageExists, LONG_BUILD } from './images.ts'
import { withLock } from './lock.ts'
import { Progress } from './progress.ts'
import { stateRoot } from './state.ts'

const SCRIPT = join(import.meta.dirname, 'recipes/trivy/build.sh')
const CONTAINER = 'pacs-deploy-lab-trivy'
const HASH_LABEL = 'pacs-deploy.lab.hash'

/**
 * The program Trivy on this machine, built once from its sources.
 * @returns its path. @throws LabError when it does not build
 */
export async function ensureTrivy(progress: Progress = new Progress()): Promise<string> {
  await ensureEngine(progress)
  const program = await pathOfTrivy()
  if (existsSync(program)) return program
  await beginTrivy(await baseImage(progress), progress)
  return withLock('trivy', async () => {
    if (!existsSync(program)) await progress.step('build Trivy', (detail) => finish(program, detail))
    return program
  })
}

/** Begins to build it unless it is there or being built, and does not wait for it. @param base tag of the image to build it on */
export async function beginTrivy(base: string, progress: Progress): Promise<void> {
  const program = await pathOfTrivy()
  if (existsSync(program)) return
  await withLock('trivy-begin', async () => {
    const hash = await hashOf()
    const found = await tryDocker([
      'inspect',
      '--format',
      `{{.State.Status}} {{index .Config.Labels "${HASH_LABEL}"}}`,
      CONTAINER,
    ])
    // One that has ended badly, or builds something else, is begun anew; one that has ended well waits to be fetched.
    if (found.stdout === `running ${hash}` || (await endedWell(hash))) return
    await tryDocker(['rm', '-fv', CONTAINER])
    progress.line('build Trivy: begun')
    const labels = ['--label', `${IMAGE_LABEL}=${LONG_BUILD}`, '--label', `${HASH_LABEL}=${hash}`]
    await docker(['create', '--name', CONTAINER, '--cpu-shares', '128', ...labels, base, 'sh', '/build/build.sh'])
    await fill()
    await docker(['start', CONTAINER])
  })
}

async function finish(program: string, detail: (text: string) => void): Promise<void> {
  const said: string[] = []
  const onLine = (line: string) => {
    said.push(line)
    detail(line)
  }
  await tryDocker(['logs', '--follow', CONTAINER], { onLine })
  const code = await docker(['wait', CONTAINER])
  if (code !== '0') {
    await tryDocker(['rm', '-fv', CONTAINER])
    throw new LabError(`Trivy does not build:\n${said.slice(-15).join('\n')}`)
  }
  await mkdir(dirname(program), { recursive: true })
  try {
    // A copy that was cut must not be taken for the program.
    await docker(['cp', `${CONTAINER}:/build/trivy`, `${program}.new`])
    await rename(`${program}.new`, program)
    await tryDocker(['rm', '-fv', CONTAINER])
  } finally {
    await rm(`${program}.new`, { force: true })
  }
}

async function fill(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-trivy-'))
  try {
    await mkdir(join(folder, 'build'))
    await cp(SCRIPT, join(folder, 'build/build.sh'))
    await cp(HOST_CERTIFICATES, join(folder, 'build/ca.crt'), { dereference: true })
    await docker(['cp', join(folder, 'build'), `${CONTAINER}:/`])
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function endedWell(hash: string): Promise<boolean> {
  const format = `{{.State.Status}} {{.State.ExitCode}} {{index .Config.Labels "${HASH_LABEL}"}}`
  return (await tryDocker(['inspect', '--format', format, CONTAINER])).stdout === `exited 0 ${hash}`
}

async function baseImage(progress: Progress): Promise<string> {
  if (!(await hubAnswers(progress)) && (await imageExists(bootstrappedTag()))) return bootstrappedTag()
  return withLock('images', async () => ensureBaseImage(await hubAnswers(progress), progress))
}

async function pathOfTrivy(): Promise<string> {
  return join(await stateRoot(), 'tools', await hashOf(), 'trivy')
}

async function hashOf(): Promise<string> {
  return createHash('sha256')
    .update(await readFile(SCRIPT))
    .digest('hex')
    .slice(0, 12)
}
