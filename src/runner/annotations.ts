import { error, warning } from './commands.ts'
import { plain } from './log.ts'
import { hideMasked } from './masks.ts'

/** Something to look at in a file of the checkout. */
export interface Annotation {
  level?: 'error' | 'warning'
  title: string
  message: string
  /** Path in the checkout. */
  file: string
  /** Counted from 1. */
  line: number
}

/** GitHub shows ten annotations of a step on its page, and keeps the rest in the log. */
export function annotate(annotations: readonly Annotation[]): void {
  for (const { level, title, message, file, line } of annotations) {
    const print = level === 'error' ? error : warning
    print(plain(hideMasked(message)), { title, file, line })
  }
}
