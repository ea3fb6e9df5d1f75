import { expect, test, vi } from 'vitest'
import { Progress } from '../../lab/index.ts'

test('a step says with its time that it runs at least every 5 seconds, what it does last, and when it ends', async () => {
  vi.useFakeTimers()
  try {
    const began = Date.now()
    const seen: { at: number; line: string }[] = []
    const progress = new Progress((line) => seen.push({ at: Date.now() - began, line }), 'demo')
    let finish = () => {}
    const work = progress.step('release 2', async (detail) => {
      detail('build of backend\n')
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return 'done'
    })
    await vi.advanceTimersByTimeAsync(21_000)
    const gaps = seen.map(({ at }, index) => at - (seen[index - 1]?.at ?? 0))
    expect(seen).toHaveLength(5)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5000)
    expect(seen[0]?.line).toBe('demo    4.0 s  release 2 ... 4.0 s (build of backend)')
    finish()
    expect(await work).toBe('done')
    expect(seen.at(-1)?.line).toBe('demo   21.0 s  release 2: 21 s')
    await vi.advanceTimersByTimeAsync(21_000)
    expect(seen).toHaveLength(6)
  } finally {
    vi.useRealTimers()
  }
})

test('a step that fails is shown no longer and passes its failure on', async () => {
  vi.useFakeTimers()
  try {
    const lines: string[] = []
    const progress = new Progress((line) => lines.push(line))
    await expect(progress.step('start', () => Promise.reject(new Error('no engine')))).rejects.toThrow('no engine')
    await vi.advanceTimersByTimeAsync(21_000)
    expect(lines).toEqual([])
  } finally {
    vi.useRealTimers()
  }
})
