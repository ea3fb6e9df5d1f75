import { afterEach, describe, expect, it, vi } from 'vitest'
import { annotate, mask } from '../../../src/runner/index.ts'
import { parseCommand } from '../../runner/index.ts'

describe('a command to the runner', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  const printed = (work: () => void) => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    work()
    return write.mock.calls.map(([text]) => String(text))
  }

  it('keeps signs that mean something to the runner out of its message and its properties', () => {
    const place = { title: 'a: 100%, b', file: 'stack/x,line=1.yml', line: 7 }
    const lines = printed(() => annotate([{ ...place, message: '50% of ::this:: 100%0A' }]))
    expect(lines).toEqual([expect.stringMatching(/^::warning [^\n]*\n$/)])
    expect(parseCommand(lines[0]?.trimEnd() ?? '')).toEqual({
      name: 'warning',
      properties: { title: place.title, file: place.file, line: '7' },
      message: '50% of ::this:: 100%0A',
    })
  })

  it('has none without properties', () => {
    expect(printed(() => mask('registry-password-7f')).join('')).toBe('::add-mask::registry-password-7f\n')
  })
})
