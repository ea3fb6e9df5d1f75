// Secrets that the stack can have at random: made where they are absent, never shown, never replaced.
import { join } from 'node:path'
import type { Host, Owner } from './host.ts'
import { system } from './host.ts'
import type { Item } from './items.ts'
import type { Step } from './step.ts'

/**
 * Runs the stack's own script (make-secrets.sh FOLDER), which knows what its services need and leaves alone what is there.
 * @param script null when none lies beside setup-production.sh
 */
export function secretsStep(script: string | null, folder: string, owner: () => Promise<Owner | null>): Step {
  return {
    id: 'secrets',
    title: 'secrets that are random',
    impossible: async () =>
      script === null ? 'no make-secrets.sh lies beside setup-production.sh; make them as .env.example says' : null,
    items: () => (script === null ? [] : [made(script, folder, owner)]),
  }
}

function made(script: string, folder: string, ownerOf: () => Promise<Owner | null>): Item {
  const missing = async (host: Host) => {
    const present = new Set(await host.list(folder))
    return (await namesMadeBy(host, script)).filter((name) => !present.has(name))
  }
  return {
    differences: async (host) => (await missing(host)).map((name) => `${join(folder, name)}: made`),
    async make(changer) {
      const names = await missing(changer.host)
      // Data is readable only with them: undo never takes them away.
      await changer.run(['sh', script, folder], null)
      const owner = await ownerOf()
      for (const name of names) if (owner) await changer.host.own(join(folder, name), owner)
    },
  }
}

/** What the script makes in an empty folder, which is gone at once. */
async function namesMadeBy(host: Host, script: string): Promise<string[]> {
  const scratch = (await system(host, 'mktemp', '--directory', '/run/pacs-setup.XXXXXX')).trim()
  try {
    await system(host, 'sh', script, scratch)
    return (await host.list(scratch)).toSorted()
  } finally {
    await system(host, 'rm', '--recursive', '--force', scratch)
  }
}
