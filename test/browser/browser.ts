// A real browser before the public entry of a server: Debian's Chromium, which trusts the lab's authority as a hospital's desks trust theirs.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { run } from '../../src/lib/index.ts'
import { type Lab, type Machine, needPrograms, Progress } from '../lab/index.ts'

export interface Desk extends AsyncDisposable {
  browser: Browser
  /** The address of the page. */
  site: string
}

/** Starts a browser that reaches `server` by its name. */
export async function startBrowser(lab: Lab, server: Machine): Promise<Desk> {
  await needPrograms(['chromium', 'certutil'], new Progress(undefined, 'browser'))
  const home = await mkdtemp(join(tmpdir(), 'pacs-browser-'))
  const end = () => rm(home, { recursive: true, force: true })
  try {
    const trusted = join(home, '.pki/nssdb')
    const env = { PATH: process.env.PATH ?? '', HOME: home }
    await run('mkdir', ['-p', trusted], { env })
    await run('certutil', ['-d', `sql:${trusted}`, '-N', '--empty-password'], { env })
    await run('certutil', ['-d', `sql:${trusted}`, '-A', '-n', 'lab', '-t', 'C,,', '-i', lab.ca], { env })
    const to = ([outside, inside]: readonly [number, number]) =>
      `MAP ${server.hostname}:${outside} 127.0.0.1:${server.port(inside)}`
    const rules = (
      [
        [80, 80],
        [443, 443],
      ] as const
    )
      .map(to)
      .join(', ')
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      env,
      args: [`--host-resolver-rules=${rules}`],
    })
    const ended = async () => {
      await browser.close()
      await end()
    }
    return { browser, site: `https://${server.hostname}`, [Symbol.asyncDispose]: ended }
  } catch (thrown) {
    await end()
    throw thrown
  }
}
