import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { hasEnded, processIdentity } from '../../../src/lib/index.ts'

it('tells a process that lives from one that has ended', async () => {
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  const identity = processIdentity(child.pid) ?? ''
  expect(identity).not.toBe(processIdentity())
  expect(hasEnded(identity)).toBe(false)
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  expect(hasEnded(identity)).toBe(true)
  expect(hasEnded(processIdentity() ?? '')).toBe(false)
})
