/** Where a command prints what it was asked for, and what it may use of the world. */
export interface Console {
  print: (line: string) => void
  /** What is said beside the answer, so that a program reads the answer alone. */
  aside: (line: string) => void
  /** The top of this package, with the stack and the workflows that it brings. */
  root: string
  env: Readonly<Record<string, string | undefined>>
}
