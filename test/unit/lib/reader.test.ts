import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { exitClass } from '../../../src/lib/index.ts'

it('a program whose reader has seen enough ends without a stack', async () => {
  const module = join(import.meta.dirname, '../../../src/lib/reader.ts')
  const program = `const { endWithReader } = await import(${JSON.stringify(module)}); endWithReader()
    setInterval(() => process.stdout.write('line\\n'), 1)`
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await once(child.stdout, 'data')
  child.stdout.destroy()
  const [code] = await once(child, 'close')
  expect({ code, said }).toEqual({ code: exitClass.unknown, said: '' })
})
