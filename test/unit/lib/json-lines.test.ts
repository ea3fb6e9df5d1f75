import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readJsonLines } from '../../../src/lib/index.ts'

const schema = z.object({ n: z.number() })

async function* stream(...chunks: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  yield* chunks
}

async function read(...chunks: (string | Uint8Array)[]): Promise<unknown[]> {
  const values: unknown[] = []
  for await (const value of readJsonLines(stream(...chunks), schema)) values.push(value)
  return values
}

describe('readJsonLines', () => {
  it('joins lines that arrive in pieces, and splits pieces that hold several', async () => {
    expect(await read('{"n":', '1}\n{"n":2}\n{"n"', ':3}\n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  })

  it('joins a character whose bytes arrive apart', async () => {
    const bytes = Buffer.from('{"n":1,"name":"ü"}\n')
    const cut = bytes.indexOf(0xc3) + 1
    const named = z.object({ name: z.string() })
    const values = readJsonLines(stream(bytes.subarray(0, cut), bytes.subarray(cut)), named)
    expect((await values.next()).value).toEqual({ name: 'ü' })
  })

  it('leaves out a last line that was torn', async () => {
    expect(await read('{"n":1}\n{"n":2')).toEqual([{ n: 1 }])
  })

  it('skips empty lines', async () => {
    expect(await read('\n{"n":1}\n\n \n{"n":2}\n')).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('yields what came before a line that is no JSON, then refuses', async () => {
    const values = readJsonLines(stream('{"n":1}\nsudo: no tty\n'), schema)
    expect((await values.next()).value).toEqual({ n: 1 })
    await expect(values.next()).rejects.toThrow(SyntaxError)
  })

  it('refuses a line of another shape', async () => {
    await expect(read('{"n":"one"}\n')).rejects.toThrow(z.ZodError)
  })

  it('refuses a line above 1 Mi characters before its end has come', async () => {
    const piece = ' '.repeat(600_000)
    await expect(read(piece, piece, piece)).rejects.toThrow('longer than 1048576')
  })

  it('refuses a line above 1 Mi characters that comes in one piece', async () => {
    await expect(read(`{"n":1${' '.repeat(1_100_000)}}\n`)).rejects.toThrow('longer than 1048576')
  })

  it('reads any number of lines that are short each', async () => {
    expect(await read('{"n":1}\n'.repeat(200_000))).toHaveLength(200_000)
  })
})
