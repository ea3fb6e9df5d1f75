/** Lines in common around a change that are shown too. */
const CONTEXT = 2
/** Texts of which one has more lines are only said to differ: the table of a comparison grows with their product. */
const MOST = 3000

/** How `after` comes out of `before`, line by line as `diff -u` shows it, with `@@ LINE` before each place. */
export function lineDiff(before: string, after: string): string[] {
  const [one, two] = [before.split('\n'), after.split('\n')]
  if (Math.max(one.length, two.length) > MOST)
    return [`(${one.length} lines and ${two.length} lines: too many to show)`]
  const edits = editsOf(one, two)
  const shown = new Set<number>()
  for (const [index, { sign }] of edits.entries()) {
    if (sign === ' ') continue
    for (let near = index - CONTEXT; near <= index + CONTEXT; near++) shown.add(near)
  }
  const lines: string[] = []
  let line = 0
  let last = -2
  for (const [index, { sign, text }] of edits.entries()) {
    if (sign !== '+') line += 1
    if (!shown.has(index)) continue
    if (index !== last + 1) lines.push(`@@ ${line}`)
    lines.push(`${sign}${text}`)
    last = index
  }
  return lines
}

interface Edit {
  sign: ' ' | '-' | '+'
  text: string
}

/** The shortest way from `one` to `two`, by the longest common subsequence. */
function editsOf(one: readonly string[], two: readonly string[]): Edit[] {
  const width = two.length + 1
  const common = new Uint16Array((one.length + 1) * width)
  const at = (i: number, j: number) => common[i * width + j] ?? 0
  for (let i = one.length - 1; i >= 0; i--) {
    for (let j = two.length - 1; j >= 0; j--) {
      common[i * width + j] = one[i] === two[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const edits: Edit[] = []
  let [i, j] = [0, 0]
  while (i < one.length || j < two.length) {
    const [left, right] = [one[i], two[j]]
    if (left !== undefined && left === right) {
      edits.push({ sign: ' ', text: left })
      i++
      j++
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      edits.push({ sign: '-', text: left })
      i++
    } else {
      edits.push({ sign: '+', text: right ?? '' })
      j++
    }
  }
  return edits
}
