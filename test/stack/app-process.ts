// The reference app's server as a program of its own, started from a copy with its locked dependencies, and a page that talks to it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { inheritedEnvironment } from '../../scripts/environment.ts'
import { run, tryRun } from '../../src/lib/index.ts'
import { people } from '../site/users.ts'
import { type Session, sessionIn } from './visit.ts'

const APP = join(import.meta.dirname, '../../deployment/reference-app')
const SOURCE = join(APP, 'server')
const listening = z.object({ msg: z.literal('listening'), port: z.number() })

/** Checks the types of a part of the app, which its image is not built for. @returns what is wrong, nothing where all is well */
export async function checkTypes(part: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-types-'))
  try {
    await cp(join(APP, part), folder, { recursive: true, filter: (path) => !path.includes('node_modules') })
    const options = { cwd: folder, env: inheritedEnvironment() }
    await run('npm', ['ci', '--prefer-offline'], options)
    const { code, stdout, stderr } = await tryRun('npm', ['run', '--silent', 'types'], options)
    return code === 0 ? '' : stdout || stderr
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The program, installed once, for as many instances as a test starts. */
export class AppProgram implements AsyncDisposable {
  readonly #folder: string
  readonly #processes = new Set<ChildProcess>()

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async install(): Promise<AppProgram> {
    const folder = await mkdtemp(join(tmpdir(), 'pacs-app-'))
    for (const part of ['package.json', 'package-lock.json', '.npmrc', 'src']) {
      await cp(join(SOURCE, part), join(folder, part), { recursive: true })
    }
    await run('npm', ['ci', '--omit=dev', '--prefer-offline'], { cwd: folder, env: inheritedEnvironment() })
    return new AppProgram(folder)
  }

  /**
   * Starts an instance and waits until it listens.
   * @param env its environment; `secrets` are laid down as files that the variables of these names point to
   * @returns where it listens
   */
  async start(env: Readonly<Record<string, string>>, secrets: Readonly<Record<string, string>>): Promise<string> {
    const files: [string, string][] = []
    for (const [variable, content] of Object.entries(secrets)) {
      const file = join(this.#folder, variable)
      await writeFile(file, content, { mode: 0o600 })
      files.push([variable, file])
    }
    const started = spawn(process.execPath, ['src/main.js'], {
      cwd: this.#folder,
      env: { NODE_ENV: 'production', PORT: '0', METRICS_PORT: '0', ...env, ...Object.fromEntries(files) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#processes.add(started)
    const lines = createInterface(started.stdout)
    // An answer 500 says no more than that the log names its cause.
    lines.on('line', (line) => {
      if (/"level":(50|60|"error"|"fatal")/.test(line)) process.stderr.write(`${line}\n`)
    })
    for await (const [line] of linesOf(lines)) {
      const said = listening.safeParse(JSON.parse(line))
      if (said.success) return `http://127.0.0.1:${said.data.port}`
    }
    throw new Error('the app ended before it listened')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#processes) {
      if (one.exitCode !== null) continue
      one.kill('SIGTERM')
      await once(one, 'exit')
    }
    await rm(this.#folder, { recursive: true })
  }
}

/** Unlike a loop over the interface itself, leaving this one does not stop the output from being read. */
function linesOf(lines: ReturnType<typeof createInterface>): AsyncIterable<[string]> {
  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const next = await Promise.race([once(lines, 'line'), once(lines, 'close').then(() => null)])
        if (next === null) return
        yield [z.string().parse(next[0])]
      }
    },
  }
}

/** What a person does with an instance; the session is that of one browser, whichever instance it asks. */
export class Page {
  readonly #session: Session

  private constructor(session: Session) {
    this.#session = session
  }

  static async logIn(url: string, who: keyof typeof people): Promise<Page> {
    const { name, password } = people[who]
    const response = await fetch(`${url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, password }),
    })
    const body = Buffer.from(await response.arrayBuffer())
    if (response.status !== 201) throw new Error(`${name} cannot log in: ${response.status} ${body.toString()}`)
    return new Page(sessionIn(response.headers.getSetCookie(), body))
  }

  /** @returns status and JSON of the answer to a GET, or to a POST (or `method`) with `body` */
  async ask(url: string, body?: unknown, method?: 'PUT' | 'DELETE'): Promise<{ status: number; answer: unknown }> {
    const response = await fetch(url, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        cookie: this.#session.cookie,
        'x-csrf-token': this.#session.csrfToken,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, answer: text === '' ? null : JSON.parse(text) }
  }
}
