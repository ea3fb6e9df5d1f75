import { afterEach, expect, test, vi } from 'vitest'
import { whileSeen } from '../src/whileSeen.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

test('a page looks again every minute while it can be seen, and when somebody comes back to it', () => {
  vi.useFakeTimers()
  const window = new EventTarget()
  const document = { visibilityState: 'visible' }
  vi.stubGlobal('window', window)
  vi.stubGlobal('document', document)
  const look = vi.fn()
  const end = whileSeen(look)
  vi.advanceTimersByTime(120_000)
  expect(look).toHaveBeenCalledTimes(2)
  document.visibilityState = 'hidden'
  vi.advanceTimersByTime(120_000)
  expect(look).toHaveBeenCalledTimes(2)
  document.visibilityState = 'visible'
  window.dispatchEvent(new Event('focus'))
  expect(look).toHaveBeenCalledTimes(3)
  end()
  vi.advanceTimersByTime(120_000)
  window.dispatchEvent(new Event('focus'))
  expect(look).toHaveBeenCalledTimes(3)
})
