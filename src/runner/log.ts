import { endGroup, info, startGroup, warning } from './commands.ts'

/** What an action tells a person while it works. Texts of this project; what a server or a tool says goes through {@link Log.foreign}. */
export interface Log {
  info(message: string): void
  warning(message: string): void
  /** Prints text that was written elsewhere so that no line of it can be a command to the runner. */
  foreign(text: string): void
  group<T>(title: string, work: () => Promise<T>): Promise<T>
}

export const log: Log = {
  info,
  warning,
  foreign(text) {
    for (const line of text.split(/\r\n|[\r\n\u2028\u2029]/)) info(`  │ ${plain(line)}`)
  },
  async group(title, work) {
    startGroup(title)
    try {
      return await work()
    } finally {
      endGroup()
    }
  },
}

/**
 * One line without colours and control characters. The runner takes `##[command]` anywhere in a line and `::command::` at
 * its beginning, after white space, for commands (actions/runner ActionCommand.cs).
 */
export function plain(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of terminals
      .replaceAll(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)/g, '')
      .replaceAll(/\s/g, ' ')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here
      .replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '')
      .replaceAll('##[', '## [')
      .replace(/^ *::/, ': :')
  )
}
