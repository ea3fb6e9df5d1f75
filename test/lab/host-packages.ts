import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run, tryRun } from '../../src/lib/index.ts'
import { hostEnv } from './docker.ts'
import { LabError } from './errors.ts'
import { withLock } from './lock.ts'
import type { Progress } from './progress.ts'

/** Debian's package for each program of the host that the lab runs. */
const packageOf = {
  docker: 'docker.io',
  dockerd: 'docker.io',
  debootstrap: 'debootstrap',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  openssl: 'openssl',
  tar: 'tar',
  // For the tests that look at the page, installed when they run.
  chromium: 'chromium',
  certutil: 'libnss3-tools',
} as const

type Program = keyof typeof packageOf

/**
 * Installs what is missing of `programs` where that can be done: on Debian, as root.
 * @throws LabError in one line that says what is missing
 */
export async function needPrograms(programs: readonly Program[], progress: Progress): Promise<void> {
  if (missing(programs).length === 0) return
  const names = missing(programs).join(', ')
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new LabError(`the lab needs ${names}: install it, or run this on Debian as root, where the lab installs it`)
  }
  await withLock('apt', async () => {
    const packages = [...new Set(missing(programs).map((program) => packageOf[program]))]
    if (packages.length === 0) return
    await progress.step(`install ${packages.join(', ')}`, async (detail) => {
      const apt = (...args: string[]) => aptGet(args, detail)
      // A killed apt leaves packages half installed, and every later install fails until both have run. The first one
      // fails where something that a package depends on has not been unpacked yet: the second one sees to that.
      await tryRun('dpkg', ['--configure', '-a'], { env: aptEnv(), onLine: detail })
      await apt('update')
      await apt('-f', 'install')
      await apt('install', ...packages)
    })
  })
  if (missing(programs).length > 0) throw new LabError(`apt installed no ${missing(programs).join(', ')}`)
}

function missing(programs: readonly Program[]): Program[] {
  return programs.filter((program) => !isInstalled(program))
}

function isInstalled(program: string): boolean {
  const folders = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter)
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

async function aptGet(args: readonly string[], onLine: (line: string) => void): Promise<void> {
  await run('apt-get', ['-y', '-q', '-o', 'DPkg::Lock::Timeout=300', ...args], { env: aptEnv(), onLine })
}

function aptEnv(): Record<string, string> {
  return { ...hostEnv(), DEBIAN_FRONTEND: 'noninteractive' }
}
