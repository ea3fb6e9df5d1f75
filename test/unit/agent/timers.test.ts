import { expect, it } from 'vitest'
import { layout } from '../../../src/agent/layout.ts'
import { SetupRecord } from '../../../src/agent/setup/record.ts'
import { applyStep } from '../../../src/agent/setup/step.ts'
import { timersStep } from '../../../src/agent/setup/timers.ts'
import { MemoryHost } from './memory-host.ts'

/** The units that set-up writes. */
async function units(): Promise<MemoryHost> {
  const host = new MemoryHost()
  host.answer = () => ''
  const record = new SetupRecord(host)
  await applyStep(timersStep(host, record, 'pacs', layout()), host, record, () => undefined)
  return host
}

const lineOf = (host: MemoryHost, unit: string, name: string) =>
  new RegExp(`^${name}=(.*)$`, 'm').exec(host.text(`/etc/systemd/system/${unit}`) ?? '')?.[1]

it('lets the proof of the night wait for a backup that still runs, and no backup for a proof', async () => {
  const host = await units()
  expect(lineOf(host, 'pacs-verify.service', 'After')).toBe('pacs-agent.service pacs-backup.service')
  expect(lineOf(host, 'pacs-backup.service', 'After')).toBe('pacs-agent.service')
})

it('makes up for a backup that was missed, and for no proof, which might begin before it', async () => {
  const host = await units()
  expect(lineOf(host, 'pacs-backup.timer', 'Persistent')).toBe('yes')
  expect(lineOf(host, 'pacs-verify.timer', 'Persistent')).toBe('no')
})

/** The night in which a zone puts its clock forward: an hour of it is left out. */
it.each([
  ['Europe/London', '2027-03-28'],
  ['Europe/Berlin', '2027-03-28'],
  ['Europe/Athens', '2027-03-28'],
  ['Atlantic/Azores', '2027-03-28'],
  ['Asia/Beirut', '2027-03-28'],
  ['America/New_York', '2027-03-14'],
  ['America/Havana', '2027-03-14'],
  ['America/Santiago', '2027-09-05'],
  ['Australia/Lord_Howe', '2027-10-03'],
  ['Pacific/Chatham', '2027-09-26'],
])('has a backup and a proof in %s on %s, when the clock is put forward', async (timeZone, night) => {
  const host = await units()
  const clock = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  const quarter = 900_000
  const shown = new Set(
    Array.from({ length: 200 }, (_, index) => clock.format(Date.parse(`${night}T00:00:00Z`) + (index - 60) * quarter)),
  )
  for (const unit of ['pacs-backup.timer', 'pacs-verify.timer']) {
    const time = lineOf(host, unit, 'OnCalendar')?.replace('*-*-* ', '')
    expect(shown, unit).toContain(`${night} ${time}`)
  }
})
