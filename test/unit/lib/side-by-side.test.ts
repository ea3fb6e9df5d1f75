import { describe, expect, test, vi } from 'vitest'
import { withProgress } from '../../../src/images/progress.ts'
import { sideBySide } from '../../../src/lib/index.ts'

describe('work side by side', () => {
  test('keeps to its limit and to the order of its results', async () => {
    let running = 0
    let most = 0
    const results = await sideBySide(2, [30, 1, 20, 1, 5], async (turns) => {
      most = Math.max(most, ++running)
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
      running -= 1
      return turns
    })
    expect(results).toEqual([30, 1, 20, 1, 5])
    expect(most).toBe(2)
  })

  test('begins nothing after a failure, and ends what runs before it throws', async () => {
    const ended: string[] = []
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const work = sideBySide(2, ['slow', 'bad', 'never'], async (name) => {
      if (name === 'bad') {
        setImmediate(release)
        throw new Error('bad')
      }
      await gate
      ended.push(name)
    })
    await expect(work).rejects.toThrow('bad')
    expect(ended).toEqual(['slow'])
  })
})

describe('progress', () => {
  test('shows every line with its service, and a sign of life at least every 5 seconds', async () => {
    vi.useFakeTimers()
    try {
      const seen: { at: number; line: string }[] = []
      const began = Date.now()
      let finish = () => {}
      const work = withProgress(
        'api',
        (line) => seen.push({ at: Date.now() - began, line }),
        async (log) => {
          log('npm ci')
          await new Promise<void>((resolve) => {
            finish = resolve
          })
          return 'done'
        },
      )
      await vi.advanceTimersByTimeAsync(21_000)
      finish()
      expect(await work).toBe('done')
      expect(seen[0]?.line).toBe('api | npm ci')
      const gaps = seen.map(({ at }, index) => at - (seen[index - 1]?.at ?? 0))
      expect(Math.max(...gaps)).toBeLessThanOrEqual(5000)
      expect(seen.at(-1)?.line).toBe('api | … 18 s, since: npm ci')
      const lines = seen.length
      await vi.advanceTimersByTimeAsync(21_000)
      expect(seen).toHaveLength(lines)
    } finally {
      vi.useRealTimers()
    }
  })
})
