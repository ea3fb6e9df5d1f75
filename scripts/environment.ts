/** This process's environment for a child that is a tool of the developer's own machine and needs all of it. */
export function inheritedEnvironment(): Record<string, string> {
  const set = Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return Object.fromEntries(set)
}
