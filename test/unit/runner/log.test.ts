import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { log, plain, startHeartbeat } from '../../../src/runner/index.ts'
import { StepLog } from '../../runner/index.ts'

const HOSTILE = [
  '::set-output name=release::evil',
  '   ::add-mask::a',
  '\u001b[31m::error::red\u001b[0m',
  'text ##[set-output name=release]evil',
  '\u001b]0;title\u0007::stop-commands::x',
  '\r::error::after a return',
  'first\n::error::second',
  'first\u2028::error::second',
  '#\u0000#[error]split by a NUL',
]

describe('text from elsewhere', () => {
  let printed = ''

  beforeEach(() => {
    printed = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text)
      return true
    })
  })

  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  it.each(HOSTILE)('is no command to the runner: %j', (text) => {
    log.foreign(text)
    const seen = new StepLog([])
    for (const line of printed.split(/\r\n|[\r\n]/)) seen.add(line)
    expect(seen.commands).toEqual([])
    expect(printed).not.toContain('\u001b')
  })

  it('would be one without that', () => {
    const seen = new StepLog([])
    for (const text of HOSTILE) for (const line of text.split(/[\r\n]/)) seen.add(line)
    expect(seen.commands.length).toBeGreaterThan(3)
  })

  it('keeps ordinary text as it is', () => {
    expect(plain('ready: 2 of 3 services, größer als 5 %')).toBe('ready: 2 of 3 services, größer als 5 %')
  })

  it('is followed by a beat at least every five seconds, which tells how far the work is', () => {
    vi.useFakeTimers()
    const heartbeat = startHeartbeat('pull')
    heartbeat.tell('3 of 5 images')
    vi.advanceTimersByTime(5000)
    expect(printed).toContain('pull: 3 of 5 images')
    heartbeat.stop()
    printed = ''
    vi.advanceTimersByTime(60_000)
    expect(printed).toBe('')
  })
})
