/** The name among `names` that `typed` was most likely meant to be: the fewest letters to change, add or take away. */
export function closest(typed: string, names: readonly string[]): string {
  const ranked = names.map((name) => ({ name, distance: distance(typed, name) }))
  return ranked.sort((a, b) => a.distance - b.distance)[0]?.name ?? ''
}

/** How many letters must be changed, added or taken away to get from one text to the other. */
export function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let line = 1; line <= from.length; line += 1) {
    const next = [line]
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (from[line - 1] === to[column - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
