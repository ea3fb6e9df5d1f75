import { type Command, parseCommand } from './commands.ts'

/** Commands that do something, in any letter case; others are printed with a warning. */
const KNOWN = new Set([
  ...['add-mask', 'add-matcher', 'remove-matcher', 'debug', 'echo', 'endgroup', 'error', 'group', 'notice'],
  ...['save-state', 'set-output', 'set-env', 'add-path', 'stop-commands', 'warning'],
])

/** What a step printed, as the runner treats it line by line. */
export class StepLog {
  /** Lines as they came, before any mask. */
  readonly raw: string[] = []
  /** Lines as a person sees them. */
  readonly shown: string[] = []
  readonly commands: Command[] = []
  readonly #masks = new Set<string>()
  #resume: string | undefined

  constructor(secrets: readonly string[]) {
    for (const secret of secrets) this.#mask(secret)
  }

  add(line: string): void {
    this.raw.push(line)
    const command = parseCommand(line)
    if (this.#resume !== undefined) {
      if (command?.name === this.#resume) this.#resume = undefined
      else this.shown.push(this.hide(line))
      return
    }
    const name = command?.name.toLowerCase() ?? ''
    if (!command || !KNOWN.has(name)) {
      this.shown.push(this.hide(line))
      return
    }
    this.commands.push(command)
    if (name === 'add-mask') this.#mask(command.message)
    else if (name === 'stop-commands') this.#resume = command.message
    else this.shown.push(this.hide(`${name}: ${command.message}`))
  }

  /** `text` without what is masked by now. */
  hide(text: string): string {
    return [...this.#masks].reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
  }

  /** Messages of the commands called `name`. */
  messages(name: string): string[] {
    return this.commands.filter((command) => command.name === name).map((command) => command.message)
  }

  #mask(value: string): void {
    for (const line of [value, ...value.split(/\r?\n/)]) if (line.trim() !== '') this.#masks.add(line.trim())
  }
}
