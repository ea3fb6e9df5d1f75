import { expect, it } from 'vitest'
import { fillVolume, storeVolume, type VolumeReader } from '../../../src/backup/volume-reader.ts'

const MIB = 1024 ** 2
const SUMMARY = { message_type: 'summary', snapshot_id: '1f2e', data_added: 1, total_bytes_processed: 1 }

/** @returns with what `option` the container is started that stores, and the one that fills, a volume of so much */
async function started(option: string, files: number, bytes: number): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = []
  const reader: VolumeReader = {
    docker: async (args) => {
      if (args[0] === 'run') found.push(args[args.indexOf(option) + 1])
      return { code: 0, stdout: JSON.stringify({ ...SUMMARY, total_files_processed: files }), stderr: '' }
    },
    image: 'pacs-restic:0a1b',
    repository: { location: '/backups', passwordFile: '/password' },
    host: 's1',
    signal: new AbortController().signal,
  }
  const archive = { volume: 'orthanc', files, bytes }
  await storeVolume(reader, archive, [], [])
  await fillVolume(reader, '1f2e', archive)
  return found
}

it('a reader may use the more memory the more there is to read, since restic keeps an entry of each piece', async () => {
  const memory = async (files: number, bytes: number) =>
    (await started('--memory', files, bytes)).map((value) => Number(value) / MIB)
  expect(await memory(0, 0)).toEqual([1024, 1024])
  expect(await memory(3 * MIB, 0)).toEqual([4096, 4096])
  // Of a file of some size there are several pieces.
  expect(await memory(1024, 2 * MIB * MIB)).toEqual([3073, 3073])
})

it('a reader is ended before any service where the memory of the machine runs out', async () => {
  expect(await started('--oom-score-adj', 1, 1)).toEqual(['500', '500'])
})
