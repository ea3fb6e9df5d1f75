/** What a red outcome means to a caller; the exit code of `pacs-agent` and the output `exit-class` of every action (docs/outcomes.md). */
export const exitClass = {
  ok: 0,
  refused: 10,
  unhealthy: 11,
  'rolled-back': 20,
  failed: 21,
  error: 22,
  locked: 30,
  'bad-input': 40,
  unreachable: 50,
  unknown: 60,
} as const

export type FailureKind = Exclude<keyof typeof exitClass, 'ok'>

/**
 * A failure that a person can act on: its message says what happened, why, and what to do. Anything else that is thrown is
 * a bug and keeps its stack.
 */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }

  get exitClass(): number {
    return exitClass[this.kind]
  }
}

/** A user's mistake: `message` names the value, what came, and what is allowed. */
export function badInput(message: string): Failure {
  return new Failure('bad-input', message)
}

/** A gate said no before anything changed: `message` names the gate and its evidence. */
export function refused(message: string): Failure {
  return new Failure('refused', message)
}

/** Collects every mistake, so that a person mends all of them at once instead of one per run. */
export class Problems {
  readonly #found: string[] = []

  add(message: string): void {
    this.#found.push(message)
  }

  get found(): readonly string[] {
    return this.#found
  }

  /** @throws Failure `bad-input` with all that was found, one per line. */
  throwIfAny(): void {
    if (this.#found.length > 0) throw badInput(this.#found.join('\n'))
  }
}

/** The message of whatever was thrown, for a log line. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** Whether a file or directory was asked for that is not there. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'
}

/** What another program says, for one line of a message: of a long text both ends, what was to be done and the cause. */
export function shortened(said: string): string {
  const line = said.trim().replace(/\s*\n\s*/g, ' ')
  return line.length <= 500 ? line : `${line.slice(0, 200)} … ${line.slice(-300)}`
}
