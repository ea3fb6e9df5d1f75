const KEYWORDS = new Set('and or unless by without on ignoring group_left group_right bool offset inf nan'.split(' '))

/** The metrics that a PromQL expression asks for. */
export function metricNames(expr: string): Set<string> {
  const bare = expr
    .replaceAll(/"(?:\\.|[^"\\])*"/g, '""')
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\boffset\s+\w+/g, '')
  const names = [...bare.matchAll(/(?<![\w.:])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])/g)].map(([, name]) => name ?? '')
  return new Set(names.filter((name) => !KEYWORDS.has(name.toLowerCase())))
}

/** The labels that an expression asks of each metric: in its matchers only. */
export function labelsAsked(expr: string): [metric: string, labels: string[]][] {
  return [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)].map(([, metric = '', matchers = '']) => [
    metric,
    [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label ?? ''),
  ])
}
