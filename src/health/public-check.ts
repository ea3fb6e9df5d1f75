import type { Check } from './gate.ts'
import { type ProbeOptions, probe } from './probe.ts'

export interface PublicCheckOptions extends ProbeOptions {
  url: string
  /** The response header that tells which release answered, and the value that is wanted. */
  identity: { header: string; value: string }
}

/** Checks from outside that a page comes (2xx or 3xx) and that the wanted release is the one that answers. */
export function publicCheck({ url, identity, ...options }: PublicCheckOptions): Check {
  return {
    name: url,
    async look(signal) {
      const answer = await probe(url, { ...options, signal })
      if (!answer.ok) return { ok: false, detail: answer.error }
      const { status, headers, ms } = answer
      if (status < 200 || status > 399) return { ok: false, detail: `status ${status}` }
      const seen = headers[identity.header.toLowerCase()]
      if (seen === identity.value) return { ok: true, detail: `status ${status} from instance ${seen} (${ms} ms)` }
      return {
        ok: false,
        detail: `status ${status}, but ${identity.header} is ${seen ?? 'absent'}, wanted ${identity.value}: something else answers there`,
      }
    },
  }
}
