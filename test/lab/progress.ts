import { formatDuration } from '../../src/lib/index.ts'

/** How often a running step says that it runs, in milliseconds. */
const REPEAT = 4000

/** Tells a person what the lab does: each step when it ends, and every 4 s while it runs. */
export class Progress {
  readonly #say: (line: string) => void
  readonly #name: string
  readonly #start = performance.now()

  /** @param name stands in front of each line */
  constructor(say: (line: string) => void = (line) => process.stderr.write(`${line}\n`), name = 'lab') {
    this.#say = say
    this.#name = name
  }

  /** Runs `work` as a step named `title`; `work` may tell its latest detail, which is shown while it runs. */
  async step<T>(title: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T> {
    const start = performance.now()
    let detail = ''
    const timer = setInterval(() => {
      this.line(`${title} ... ${formatDuration(performance.now() - start)}${detail === '' ? '' : ` (${detail})`}`)
    }, REPEAT)
    try {
      const result = await work((text) => {
        if (text.trim() !== '') detail = text.trim().slice(0, 90)
      })
      this.line(`${title}: ${formatDuration(performance.now() - start)}`)
      return result
    } finally {
      clearInterval(timer)
    }
  }

  line(text: string): void {
    this.#say(`${this.#name} ${((performance.now() - this.#start) / 1000).toFixed(1).padStart(6)} s  ${text}`)
  }
}
