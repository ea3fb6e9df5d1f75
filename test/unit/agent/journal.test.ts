import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { openJournal } from '../../../src/agent/transaction/journal.ts'

it('writes and shows what is told at once in the order in which it was told', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-journal-'))
  try {
    const journal = openJournal(directory, () => new Date(0))
    const writer = await journal.writer('one')
    await writer.note('asked')
    const followed: number[] = []
    const follow = async () => {
      for await (const { seq } of journal.follow('one', 0, new AbortController().signal) ?? []) followed.push(seq)
    }
    const following = follow()
    const told = Array.from({ length: 50 }, (_, number) => writer.progress(`${number}`))
    const result = { outcome: 'deployed', message: 'it serves', serving: null, previous: null } as const
    await Promise.all([...told, writer.result(result)])
    await following
    expect(followed).toEqual(Array.from({ length: 52 }, (_, index) => index + 1))
    const recorded: number[] = []
    for await (const { seq } of journal.recorded('one')) recorded.push(seq)
    expect(recorded).toEqual(followed)
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
})

it('keeps nothing of a line for which there was no room, so that the next one stands alone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-journal-'))
  try {
    const journal = openJournal(directory, () => new Date(0))
    const writer = await journal.writer('one')
    await writer.note('asked')
    const some = await open(join(directory, 'some'), 'w')
    const written = vi.spyOn(Object.getPrototypeOf(some), 'appendFile').mockImplementationOnce(async function (
      this: typeof some,
    ) {
      await this.write('{"seq":2,')
      throw new Error('ENOSPC: no space left')
    })
    await some.close()
    await expect(writer.progress('half')).rejects.toThrow('ENOSPC')
    written.mockRestore()
    await writer.note('there is room again')
    const notes: string[] = []
    for await (const event of journal.recorded('one')) if (event.type === 'note') notes.push(event.message)
    expect(notes).toEqual(['asked', 'there is room again'])
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
})
