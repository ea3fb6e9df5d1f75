import { expect, it } from 'vitest'
import { layout } from '../../../src/agent/layout.ts'
import { SetupRecord } from '../../../src/agent/setup/record.ts'
import { applyStep } from '../../../src/agent/setup/step.ts'
import { timersStep } from '../../../src/agent/setup/timers.ts'
import { MemoryHost } from './memory-host.ts'

it('lets the proof of the night wait for a backup that still runs, and no backup for a proof', async () => {
  const host = new MemoryHost()
  host.answer = () => ''
  const record = new SetupRecord(host)
  await applyStep(timersStep(host, record, 'pacs', layout()), host, record, () => undefined)
  const after = (verb: string) => /^After=(.*)$/m.exec(host.text(`/etc/systemd/system/pacs-${verb}.service`) ?? '')?.[1]
  expect(after('verify')).toBe('pacs-agent.service pacs-backup.service')
  expect(after('backup')).toBe('pacs-agent.service')
})
