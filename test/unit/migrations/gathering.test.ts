import { expect, it } from 'vitest'
import { Gathering } from '../../../src/migrations/gathering.ts'
import { inTurn } from '../../../src/migrations/mongo/in-turn.ts'
import { together } from '../../../src/migrations/together.ts'

it('has those on their way to a point go on together, and waits for none that fails before it', async () => {
  const gathering = new Gathering()
  const said: string[] = []
  const slow = Promise.withResolvers<void>()
  const failing = Promise.withResolvers<void>()
  const member = (name: string, first: Promise<void>) =>
    gathering.join(async () => {
      await first
      said.push(`${name} is here`)
      await gathering.meet()
      said.push(`${name} goes on`)
    })
  const all = [member('a', Promise.resolve()), member('b', slow.promise), member('c', failing.promise)]
  const failed = expect(all[2]).rejects.toThrow('no')
  slow.resolve()
  await new Promise(setImmediate)
  expect(said).toEqual(['a is here', 'b is here'])
  failing.reject(new Error('no'))
  await failed
  await Promise.all(all.slice(0, 2))
  expect(said).toEqual(['a is here', 'b is here', 'a goes on', 'b goes on'])
  await member('d', Promise.resolve())
  expect(said.at(-1)).toBe('d goes on')
})

it('asks what is asked at once as one question, gives each its own answer, and fails all alike', async () => {
  const questions: (readonly number[])[] = []
  const double = together(async (asked: readonly number[]) => {
    questions.push(asked)
    if (asked.includes(0)) throw new Error('not of zero')
    return asked.map((one) => one * 2)
  })
  expect(await Promise.all([double(1), double(2)])).toEqual([2, 4])
  expect(await double(3)).toBe(6)
  expect(await Promise.allSettled([double(0), double(4)])).toMatchObject([
    { reason: { message: 'not of zero' } },
    { reason: { message: 'not of zero' } },
  ])
  expect(questions).toEqual([[1, 2], [3], [0, 4]])
})

it('does one work at a time, in the order of asking, also after a failure', async () => {
  const queued = inTurn()
  const begun: number[] = []
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
  const all = gates.map(({ promise }, n) =>
    queued(() => {
      begun.push(n)
      return promise
    }),
  )
  await new Promise(setImmediate)
  expect(begun).toEqual([0])
  gates[0]?.reject(new Error('no'))
  await expect(all[0]).rejects.toThrow('no')
  await new Promise(setImmediate)
  expect(begun).toEqual([0, 1])
  for (const gate of gates) gate.resolve()
  await Promise.all(all.slice(1))
  expect(begun).toEqual([0, 1, 2])
})
