import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect } from 'vitest'

/** Runs a backup, a verification or a restore in a process of its own that dies where it says or asks the engine what `killAt` matches. */
export async function diesAt(kind: 'backup' | 'verify' | 'restore', request: object, killAt: string): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'child.ts')], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  child.stdin.end(JSON.stringify({ kind, request, killAt }))
  const [, signal] = await exited
  expect(signal, `${kind} at ${killAt}`).toBe('SIGKILL')
}
