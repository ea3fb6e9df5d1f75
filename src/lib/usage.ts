/**
 * Whether `word` is none of those that may come next, so that help is not given for it: nobody would see that it is wrong.
 * @param usages what may follow a command, one line each; an operand stands there in capitals, as `<so>`, or in brackets where it may be left out
 */
export function isWrongWord(usages: readonly string[], word = '-'): boolean {
  if (word.startsWith('-')) return false
  return !usages.some((usage) => {
    const [words = ''] = /^[a-z-]+(?: ?\| ?[a-z-]+)*/.exec(usage) ?? []
    return words.split(/ ?\| ?/).includes(word) || /^(?:[A-Z<]|\[[^-])/.test(usage)
  })
}
