import { afterEach, expect, test, vi } from 'vitest'
import { download } from '../src/download.ts'

afterEach(() => vi.unstubAllGlobals())

test('a study is fetched as a file beside the page, which an error of the server cannot replace', () => {
  const link = { click: vi.fn() }
  vi.stubGlobal('document', { createElement: () => link })
  download('/api/exports/1/archive')
  expect(link).toMatchObject({ href: '/api/exports/1/archive', download: '' })
  expect(link.click).toHaveBeenCalledOnce()
})
