import { formatDuration } from '../lib/index.ts'

export type Log = (line: string) => void

/** Milliseconds of silence after which long work says that it goes on. */
const SILENCE = 4500

/** Lines of one of several works at a time: each with its name in front, and a sign of life where nothing is said for 4.5 s. */
export async function withProgress<T>(name: string, log: Log, work: (log: Log) => Promise<T>): Promise<T> {
  const begun = Date.now()
  let last = ''
  const beat = setInterval(() => {
    log(`${name} | … ${formatDuration(Date.now() - begun)}${last === '' ? '' : `, since: ${last}`}`)
  }, SILENCE)
  try {
    return await work((line) => {
      if (line.trim() === '') return
      last = line
      beat.refresh()
      log(`${name} | ${line}`)
    })
  } finally {
    clearInterval(beat)
  }
}
