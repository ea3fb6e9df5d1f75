/** What an image's own tests said while it was built, by the lines that BuildKit shows of each step. */
export interface TestResults {
  /** Takes the next line of `docker buildx build --progress plain`. */
  line: (text: string) => void
  /** In a few words; null where the build has no step that tests. */
  words: () => string | null
}

// `#12 [test 2/2] RUN npm test`: told by what it runs or by the name of its stage.
const STEP = /^#(\d+) (?:\[(\S+)[^\]]*\] )?RUN (.*)$/
const OUTPUT = /^#(\d+) (?:\d+\.\d+ )?(.*)$/
/** What the usual runners say at their end. */
const SUMMARIES: readonly { pattern: RegExp; words: (match: RegExpExecArray) => string }[] = [
  // node --test: one line for each count; the zeros of the rest say nothing.
  {
    pattern: /^[#ℹ] (pass|fail|cancelled|skipped|todo) ([1-9]\d*)$/,
    words: ([, what, count]) => `${count} ${PAST[what ?? ''] ?? what}`,
  },
  // vitest: `Tests  12 passed | 1 skipped (13)`; jest: `Tests:       1 skipped, 12 passed, 13 total`
  { pattern: /^Tests:?\s+(\d.*?)(?: \(\d+\)|, \d+ total)$/, words: ([, said = '']) => said.replaceAll(' | ', ', ') },
  { pattern: /^(\d+ (?:passing|pending))\b/, words: ([, said = '']) => said },
]
const PAST: Readonly<Record<string, string>> = { pass: 'passed', fail: 'failed' }
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are written by them
const COLOUR = /\u001b\[[0-9;]*m/g

/** Listens to one build. */
export function testResults(): TestResults {
  const steps = new Set<string>()
  const said: string[] = []
  let ran = false
  return {
    line: (text) => {
      const plain = text.replaceAll(COLOUR, '')
      const [, step, stage = '', command = ''] = STEP.exec(plain) ?? []
      if (step !== undefined) {
        if (/\btests?\b/i.test(`${stage} ${command}`)) steps.add(step)
        return
      }
      const [, of = '', output = ''] = OUTPUT.exec(plain) ?? []
      if (!steps.has(of) || output === 'CACHED') return
      ran = true
      for (const { pattern, words } of SUMMARIES) {
        const match = pattern.exec(output.trim())
        if (match) said.push(words(match))
      }
    },
    words: () => {
      if (steps.size === 0) return null
      if (!ran) return 'passed before, with the same files (cached)'
      return said.length > 0 ? said.join(', ') : 'passed'
    },
  }
}
