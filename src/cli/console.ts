/** Where a command prints what it was asked for. */
export interface Console {
  print: (line: string) => void
}
