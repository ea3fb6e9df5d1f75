import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import type { ReportVersion, Signature } from '../src/api/reports.ts'
import { NO_TERMS, type Study } from '../src/api/studies.ts'
import { Away } from '../src/Banner.tsx'
import { drafts } from '../src/drafts.ts'
import { Footer } from '../src/Footer.tsx'
import { Image } from '../src/Image.tsx'
import { LogIn } from '../src/LogIn.tsx'
import { OpenNotifications } from '../src/Notifications.tsx'
import { Version } from '../src/Report.tsx'
import { ReportEditor } from '../src/ReportEditor.tsx'
import { readTerms } from '../src/Search.tsx'
import { SignForm } from '../src/SignForm.tsx'
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

test('the footer names version and commit of the page, also before the API has answered', () => {
  const html = renderToStaticMarkup(<Footer />)
  expect(html).toBe(`<footer>page ${__VERSION__} (${__COMMIT__.slice(0, 12)}) · API …</footer>`)
})

test('a form becomes terms, without the spaces around them', () => {
  const form = new FormData()
  form.set('patientName', ' DOE ')
  expect(readTerms(form)).toEqual({ ...NO_TERMS, patientName: 'DOE' })
})

const signature: Signature = {
  printedName: 'Dr. Jane Roe',
  signedAt: '2026-11-24T10:15:00.000Z',
  meaning: 'author',
  recordId: '0123456789abcdef01234567',
  recordHash: 'a'.repeat(64),
  problem: null,
}
const version: ReportVersion = {
  id: signature.recordId,
  version: 3,
  text: 'A <i>fracture</i>.',
  author: 'jane',
  createdAt: '2026-11-24T10:00:00.000Z',
  state: 'signed',
  signatures: [signature],
}
const jane = { user: 'jane', printedName: 'Dr. Jane Roe', role: 'radiologist', csrfToken: '' } as const

test('a signed version shows printed name, time, meaning, record and hash, and takes its text as text', () => {
  const html = renderToStaticMarkup(<Version version={version} />)
  for (const shown of [...Object.values(signature).filter((part) => part !== null), 'A &lt;i&gt;fracture&lt;/i&gt;.']) {
    expect(html).toContain(shown)
  }
  expect(html).toContain('the record is as it was signed')
  expect(html).not.toContain('role="alert"')
})

test('a signature that no longer fits its record is an alarm', () => {
  const broken = { ...version, signatures: [{ ...signature, problem: 'the record was changed after it was signed' }] }
  const html = renderToStaticMarkup(<Version version={broken} />)
  expect(html).toContain('<strong role="alert">no: the record was changed after it was signed</strong>')
  expect(html).not.toContain('as it was signed')
})

test('a signing that was interrupted is said', () => {
  expect(renderToStaticMarkup(<Version version={{ ...version, signatures: [] }} />)).toContain('was interrupted')
})

test('only the author of a version is offered to sign as its author', () => {
  const form = (author: string) =>
    renderToStaticMarkup(<SignForm version={{ ...version, author }} who={jane} isRunning={false} onSign={ignore} />)
  expect(form('jane')).toContain('<option>author</option>')
  expect(form('mary')).not.toContain('<option>author</option>')
  expect(form('mary')).toContain('<option>reviewer</option>')
})

test('an editor begins with what was not saved, and tells when a version was saved since', () => {
  const editor = (newest: ReportVersion | undefined) =>
    renderToStaticMarkup(<ReportEditor study="1.2.3" newest={newest} isRunning={false} onSave={ignore} />)
  expect(editor(version)).toContain('A &lt;i&gt;fracture&lt;/i&gt;.</textarea>')
  drafts.keep('1.2.3', { base: version.version, text: 'Two fractures.' })
  expect(editor(version)).toContain('Two fractures.</textarea>')
  expect(editor(version)).not.toContain('role="alert"')
  const since = editor({ ...version, version: 4 })
  expect(since).toContain('Two fractures.</textarea>')
  expect(since).toContain('role="alert">Version 4 was saved after you began this text')
  drafts.drop('1.2.3')
})

test('the banner says what is away and what that means, and nothing when all is here', () => {
  const away = renderToStaticMarkup(<Away dependencies={{ mongodb: 'up', redis: 'down', orthanc: 'down' }} />)
  expect(away).toContain('Orthanc')
  expect(away).toContain('Redis')
  expect(away).not.toContain('MongoDB')
  expect(renderToStaticMarkup(<Away dependencies={{ mongodb: 'up', redis: 'up', orthanc: 'up' }} />)).toBe('')
})

test('each open finding can be acknowledged; without one there is no list', () => {
  const finding = {
    id: '1',
    study: '1.2.3',
    severity: 'critical' as const,
    finding: 'Pneumothorax',
    createdBy: 'jane',
    createdAt: '2026-11-24T10:00:00.000Z',
    recipient: 'john',
  }
  const list = (value: (typeof finding)[]) =>
    renderToStaticMarkup(
      <OpenNotifications
        notifications={{ state: 'done', value }}
        problem={undefined}
        isRunning={false}
        onAcknowledge={ignore}
      />,
    )
  const two = list([finding, { ...finding, id: '2' }])
  expect(two.match(/Acknowledge<\/button>/g)).toHaveLength(2)
  expect(two).toContain('Pneumothorax')
  expect(list([])).toBe('')
})

test('the log-in page says why somebody has to log in again', () => {
  const html = renderToStaticMarkup(<LogIn message="The session has ended: log in again." />)
  expect(html).toContain('role="alert">The session has ended')
  expect(html).toContain('type="password"')
})
