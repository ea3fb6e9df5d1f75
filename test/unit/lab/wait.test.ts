import { expect, test } from 'vitest'
import { waitFor } from '../../lab/index.ts'

test('answers with what the condition gave when it held', async () => {
  let looks = 0
  const probe = () => {
    looks += 1
    return looks === 3 && { looks }
  }
  expect(await waitFor('a third look', probe, 10_000)).toEqual({ looks: 3 })
})

test('takes an empty text and zero for answers', async () => {
  expect(await waitFor('nothing to be said', () => '', 1000)).toBe('')
  expect(await waitFor('nothing left', () => 0, 1000)).toBe(0)
})

test('names what it waited for and the last observation', async () => {
  let looks = 0
  const probe = (): boolean => {
    looks += 1
    throw new Error(`HTTP 50${looks}`)
  }
  await expect(waitFor('the page', probe, 150)).rejects.toThrow(
    /^waited 0\.\d s for the page; last observation: HTTP 50[2-9]$/,
  )
})
