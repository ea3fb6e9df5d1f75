// Log-in by key only. It locks nobody out: it holds only if a new login with a key succeeds, of the agent's user and of the hand
// that runs this; otherwise what was before comes back.
import { badInput, Failure } from '../../../lib/index.ts'
import type { Changer } from '../changer.ts'
import { type Host, ROOT, system } from '../host.ts'
import { file, type Item } from '../items.ts'
import { effectiveSettings, reloadSshd } from '../sshd.ts'
import type { Step } from '../step.ts'
import { keysFileOf, proveAgentLogin, proveLogin } from './login-proof.ts'

// Before those of others (cloud-init's 50-…): the first that sets something decides.
const FILE = '/etc/ssh/sshd_config.d/40-pacs-hardening.conf'

const WANTED: Readonly<Record<string, string>> = {
  PasswordAuthentication: 'no',
  KbdInteractiveAuthentication: 'no',
  PermitEmptyPasswords: 'no',
  PermitRootLogin: 'prohibit-password',
  MaxAuthTries: '4',
  LoginGraceTime: '30',
  X11Forwarding: 'no',
}

/** How `sshd -T` says it. */
const SAID: Readonly<Record<string, string>> = { 'prohibit-password': 'without-password' }

/** What others may have set that keeps out more: it stays, and our file, which comes first, does not say otherwise. */
const STRICTER: Readonly<Record<string, (is: string) => boolean>> = {
  PermitRootLogin: (is) => is === 'no' || is === 'forced-commands-only',
  MaxAuthTries: (is) => Number(is) < 4,
  LoginGraceTime: (is) => Number(is) > 0 && Number(is) < 30, // 0: without end
}

/** sshd that takes keys only. @param hand the user that administers this machine */
export function sshStep(host: Host, hand: string): Step {
  return {
    id: 'ssh',
    title: 'log-in by key only',
    takenBack: true,
    impossible: async () => {
      const path = await keysFileOf(host, hand)
      if (path === null) return `there is no user ${hand}`
      const keys =
        (await host.read(path))
          ?.toString()
          .split('\n')
          .filter((line) => /^[^#\s]/.test(line)) ?? []
      return keys.length > 0
        ? null
        : `${hand}, who runs this, has no key in ${path} and would be locked out: put one there (ssh-copy-id), or run this by sudo from an account that has one; passwords stay allowed`
    },
    items: async () => {
      const reload = await reloadSshd(host)
      return [file(FILE, await dropIn(host), 0o644, ROOT, reload), locked(hand, reload)]
    },
  }
}

function locked(hand: string, reload: readonly [string, ...string[]]): Item {
  return {
    differences: async (host, dirty) =>
      dirty || (await deviations(host)).length > 0
        ? [`sshd: takes keys only, after a login of pacs and of ${hand}`]
        : [],
    async make(changer: Changer) {
      const { host } = changer
      await system(host, 'sshd', '-t')
      const [first] = await deviations(host)
      if (first !== undefined)
        throw badInput(
          `${first}, although ${FILE} says otherwise: /etc/ssh/sshd_config, or a file that it includes earlier, decides before it; take that line out`,
        )
      await changer.run(reload, null)
      try {
        await proveAgentLogin(host)
        await proveLogin(host, hand)
      } catch (thrown) {
        throw thrown instanceof Failure ? thrown : new Failure('error', String(thrown))
      }
    },
  }
}

async function dropIn(host: Host): Promise<string> {
  const settings = await effectiveSettings(host)
  const lines = Object.entries(WANTED).flatMap(([name, value]) =>
    isStricter(name, settings) ? [] : [`${name} ${value}`],
  )
  return ['# Written by pacs-agent setup.', ...lines, ''].join('\n')
}

async function deviations(host: Host): Promise<string[]> {
  const settings = await effectiveSettings(host)
  return Object.entries(WANTED).flatMap(([name, value]) => {
    const is = settings.get(name.toLowerCase())
    return is === value || is === SAID[value] || isStricter(name, settings)
      ? []
      : [`${name} is ${is ?? 'not known to this sshd'}`]
  })
}

function isStricter(name: string, settings: ReadonlyMap<string, string>): boolean {
  const is = settings.get(name.toLowerCase())
  return is !== undefined && (STRICTER[name]?.(is) ?? false)
}
