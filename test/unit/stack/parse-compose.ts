import { parse } from 'yaml'

/** What a Compose file says, without what Compose is told of it: that a part is put in the place of another file's, or takes it out. */
export function parseCompose(text: string): unknown {
  return parse(text.replaceAll(/ !(?:reset|override)\b/g, ''), { merge: true })
}
