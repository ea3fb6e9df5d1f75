import { createPrivateKey, X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, type Problems } from '../../lib/index.ts'
import type { Layout } from '../layout.ts'
import type { Certificate } from '../transaction/traffic.ts'
import { PUBLIC_HOST } from './check-config.ts'
import type { ConfigRevision } from './config.ts'

const FILES = 'config: certs/tls.crt'

/**
 * Adds what is wrong with the certificate of a configuration that has one of its own. For a deploy: a backup, a restore and a
 * rollback must work whatever the certificate is like.
 */
export function checkCertificateOf(config: ConfigRevision, now: number, problems: Problems): void {
  if (config.certificate) checkCertificate(config.certificate, config.env[PUBLIC_HOST] ?? '', now, problems)
}

/** The day on which a certificate expired, if it did. For the result of a rollback, which brings the one of its time back. */
export function expiredOn({ certificate }: Certificate, now: number): string | null {
  try {
    const { validToDate } = new X509Certificate(certificate)
    return now > validToDate.getTime() ? day(validToDate) : null
  } catch {
    return null
  }
}

/**
 * Adds why browsers would refuse the certificate of the public entry: it is not valid now, is for another name, or is not that of its key.
 * @param now milliseconds of the epoch
 */
export function checkCertificate(
  { certificate, key }: Certificate,
  publicHost: string,
  now: number,
  problems: Problems,
): void {
  let leaf: X509Certificate
  try {
    leaf = new X509Certificate(certificate)
  } catch (thrown) {
    problems.add(`${FILES} is no certificate in PEM: ${messageOf(thrown)}`)
    return
  }
  if (now > leaf.validToDate.getTime())
    problems.add(`${FILES} expired on ${day(leaf.validToDate)}: put a new one there`)
  if (now < leaf.validFromDate.getTime()) {
    problems.add(`${FILES} is valid from ${day(leaf.validFromDate)} on only: is the clock of this server right?`)
  }
  if (publicHost !== '' && leaf.checkHost(publicHost) === undefined) {
    const names = leaf.subjectAltName ?? leaf.subject
    problems.add(`${FILES} is for ${names}, not for ${publicHost} (PACS_PUBLIC_HOST): browsers would refuse it`)
  }
  try {
    if (!leaf.checkPrivateKey(createPrivateKey(key)))
      problems.add('config: certs/tls.key is not the key of certs/tls.crt: put both halves of one pair there')
  } catch {
    // What was thrown may hold a part of the key.
    problems.add('config: certs/tls.key is no private key in PEM without a password')
  }
}

/**
 * Adds that Traefik will not use what it keeps of ACME because others can read it. It says so in its log alone, and shows a certificate
 * that no browser trusts. For root, who alone can look there.
 */
export async function checkAcmeStore({ root }: Layout, problems: Problems): Promise<void> {
  const file = join(root, 'acme', 'acme.json')
  const mode = (await stat(file).catch(() => null))?.mode ?? 0
  if ((mode & 0o077) === 0) return
  problems.add(
    `${file} can be read by others (mode ${(mode & 0o777).toString(8)}), so Traefik uses no certificate in it: chmod 600 it, then docker restart pacs-traefik-1`,
  )
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10)
}
