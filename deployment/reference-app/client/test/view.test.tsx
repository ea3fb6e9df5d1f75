import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { NO_TERMS, type Study } from '../src/api.ts'
import { Image } from '../src/Image.tsx'
import { readTerms } from '../src/Search.tsx'
import type { Loaded } from '../src/useLoaded.ts'
import { Worklist } from '../src/Worklist.tsx'

const study: Study = {
  studyInstanceUid: '1.2.3',
  patientName: 'DOE, <b>JANE</b>',
  patientId: 'P1',
  date: '2026-11-24',
  description: '',
  modalities: ['CT', 'SR'],
  series: 1,
  instances: 2,
}
const ignore = () => {}

test('the worklist shows each study, marks the chosen one, and takes names as text', () => {
  const other = { ...study, studyInstanceUid: '1.2.4', patientName: '' }
  const studies: Loaded<Study[]> = { state: 'done', value: [study, other] }
  const html = renderToStaticMarkup(<Worklist studies={studies} selected={study} onSelect={ignore} />)
  expect(html).toContain('DOE, &lt;b&gt;JANE&lt;/b&gt;')
  expect(html).toContain('CT, SR')
  expect(html).toContain('(no name)')
  expect(html.match(/aria-selected="true"/g)).toHaveLength(1)
})

test('a worklist that cannot be loaded says why, and an empty one says that it is empty', () => {
  const failed: Loaded<Study[]> = { state: 'failed', message: 'archive away' }
  expect(renderToStaticMarkup(<Worklist studies={failed} selected={undefined} onSelect={ignore} />)).toContain(
    'archive away',
  )
  const none: Loaded<Study[]> = { state: 'done', value: [] }
  expect(renderToStaticMarkup(<Worklist studies={none} selected={undefined} onSelect={ignore} />)).toContain('No study')
})

test('the image is drawn from the API and has a text for those who cannot see it', () => {
  const html = renderToStaticMarkup(<Image study={study} />)
  expect(html).toContain('src="/api/studies/1.2.3/rendered"')
  expect(html).toContain('alt="DOE, ')
})

test('a form becomes terms, without the spaces around them', () => {
  const form = new FormData()
  form.set('patientName', ' DOE ')
  expect(readTerms(form)).toEqual({ ...NO_TERMS, patientName: 'DOE' })
})
