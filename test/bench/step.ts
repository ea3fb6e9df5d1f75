// Runs one step of a job as the runner does and measures it from its start to its end. What to run comes as JSON on standard input,
// so that no secret stands in an argv; the answer is one line of JSON.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

const { program, env }: { program: string; env: Record<string, string> } = JSON.parse(await text(process.stdin))
const directory = await mkdtemp(join(tmpdir(), 'step-'))
const files = Object.fromEntries(
  ['OUTPUT', 'STATE', 'ENV', 'PATH', 'STEP_SUMMARY'].map((name) => [`GITHUB_${name}`, join(directory, name)]),
)
try {
  for (const file of Object.values(files)) await writeFile(file, '')
  const started = performance.now()
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...env, ...files },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await once(child, 'exit')
  const ms = performance.now() - started
  const log = (await printed).join('')
  const outputs = await readFile(files.GITHUB_OUTPUT ?? '', 'utf8')
  process.stdout.write(JSON.stringify({ ms, code, outputs, log }))
} finally {
  await rm(directory, { recursive: true, force: true })
}
