import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { RequestProblem } from '../problems.js'
import { oneOf } from './bounded.js'
import { RecentlySeen } from './recently-seen.js'

/** Milliseconds in which a session that asked for something counts as active. */
const ACTIVE = 5 * 60_000
const FAST = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const TRANSFER = [0.5, 1, 5, 15, 60, 300, 900, 3600]
const HUMAN = [60, 300, 900, 1800, 3600, 4 * 3600, 24 * 3600]

const endReason = oneOf(['logout', 'replaced', 'refused'])
const severityOf = oneOf(['critical', 'urgent'])
const meaningOf = oneOf(['author', 'reviewer', 'approver'])
const purposeOf = oneOf(['log-in', 'signature'])
const actionOf = oneOf([
  'session.start',
  'session.end',
  'worklist.view',
  'study.view',
  'study.store',
  'notifications.view',
  'notification.create',
  'notification.acknowledge',
  'report.save',
  'report.sign',
  'export.create',
  'export.download',
  'audit.verify',
])

/**
 * What a PACS counts beside its requests: sessions, notifications, signatures, exports, log-ins, the audit trail, the release, what it
 * depends on. No label holds a person, a patient, a study or free text; each has a fixed set of values. Every series that an alert
 * waits for is there from the start, at 0: a counter that appears with its first failure has no increase.
 */
export class Families {
  #sessions
  #attempts
  #notifications
  #signatures
  #exports
  #audit
  /** @type {Map<symbol, number>} */
  #running = new Map()
  #active = new RecentlySeen(ACTIVE)

  /** @param {Registry} [registry] */
  constructor(registry = new Registry()) {
    const registers = [registry]
    const counter = (/** @type {string} */ name, /** @type {string} */ help, /** @type {string[]} */ labelNames = []) =>
      new Counter({ name: `pacs_${name}`, help, labelNames, registers })
    const histogram = (
      /** @type {string} */ name,
      /** @type {string} */ help,
      /** @type {number[]} */ buckets,
      /** @type {string[]} */ labelNames = [],
    ) => new Histogram({ name: `pacs_${name}`, help, buckets, labelNames, registers })
    const gauge = (/** @type {string} */ name, /** @type {string} */ help, /** @type {() => number} */ value) =>
      new Gauge({
        name: `pacs_${name}`,
        help,
        registers,
        collect() {
          this.set(value())
        },
      })

    this.#sessions = {
      started: counter('sessions_started_total', 'Log-ins that became a session'),
      ended: counter('sessions_ended_total', 'Ends of sessions; refused: a request came with one that had ended', [
        'reason',
      ]),
    }
    gauge(
      'sessions_active',
      'Sessions that asked this instance for something in the last 5 minutes',
      () => this.#active.size,
    )

    this.#attempts = counter('auth_attempts_total', 'Passwords that were given, and what became of them', [
      'purpose',
      'result',
    ])
    for (const purpose of ['log-in', 'signature']) {
      for (const result of ['success', 'wrong', 'locked', 'unavailable']) this.#attempts.inc({ purpose, result }, 0)
    }

    this.#notifications = {
      created: counter('notifications_created_total', 'Critical findings that were sent to somebody', ['severity']),
      acknowledged: histogram('notification_acknowledge_seconds', 'From a finding to its acknowledgement', HUMAN, [
        'severity',
      ]),
      failed: counter('notifications_failed_total', 'Findings that could not be kept, or not be acknowledged'),
    }
    for (const severity of ['critical', 'urgent']) this.#notifications.created.inc({ severity }, 0)

    this.#signatures = {
      made: counter('signatures_total', 'Signatures that were asked for', ['meaning', 'result']),
      seconds: histogram('signature_duration_seconds', 'Time to sign, with the proof of the password', FAST),
      judged: counter('signature_verifications_total', 'Signatures that were judged when their record was read', [
        'result',
      ]),
    }
    for (const meaning of ['author', 'reviewer', 'approver']) {
      for (const result of ['made', 'refused', 'failed']) this.#signatures.made.inc({ meaning, result }, 0)
    }
    for (const result of ['valid', 'invalid']) this.#signatures.judged.inc({ result }, 0)

    this.#exports = {
      queued: counter('exports_queued_total', 'Exports that were ordered'),
      finished: histogram('export_duration_seconds', 'From the start of a download to its end', TRANSFER, ['state']),
    }
    gauge('exports_running', 'Exports that are being downloaded from this instance', () => this.#running.size)
    gauge('exports_oldest_running_seconds', 'Since when the oldest of them runs', () =>
      this.#running.size === 0 ? 0 : (performance.now() - Math.min(...this.#running.values())) / 1000,
    )
    for (const state of ['done', 'failed']) this.#exports.finished.zero({ state })

    this.#audit = {
      entries: counter('audit_entries_total', 'Entries written to the audit trail', ['action', 'outcome']),
      failed: counter('audit_write_failures_total', 'Entries that could not be written'),
      seconds: histogram('audit_write_duration_seconds', 'Time to write one entry, with the wait for its place', FAST),
      valid: new Gauge({
        name: 'pacs_audit_chain_valid',
        help: '1 when the chain was whole when last verified',
        registers,
        labelNames: ['chain'],
      }),
      verified: new Gauge({
        name: 'pacs_audit_chain_verified_timestamp_seconds',
        help: 'When an auditor last had the chain verified',
        registers,
        labelNames: ['chain'],
      }),
    }
  }

  /** @param {string} hash of the session */
  sessionStarted(hash) {
    this.#sessions.started.inc()
    this.#active.see(hash)
  }

  /** @param {string} hash of the session */
  sessionSeen(hash) {
    this.#active.see(hash)
  }

  /**
   * @param {'logout' | 'replaced' | 'refused'} reason
   * @param {string} [hash] of the session, where it is known
   */
  sessionEnded(reason, hash) {
    this.#sessions.ended.inc({ reason: endReason(reason) })
    if (hash !== undefined) this.#active.forget(hash)
  }

  /**
   * Counts what became of a password.
   * @template T
   * @param {'log-in' | 'signature'} purpose
   * @param {() => Promise<T>} proof
   */
  async attempt(purpose, proof) {
    const count = (/** @type {string} */ result) => this.#attempts.inc({ purpose: purposeOf(purpose), result })
    try {
      const proved = await proof()
      count('success')
      return proved
    } catch (error) {
      const status = statusOf(error)
      count(status === 401 ? 'wrong' : status === 429 ? 'locked' : 'unavailable')
      throw error
    }
  }

  /**
   * @template T
   * @param {string} severity
   * @param {() => Promise<T>} work
   */
  async notify(severity, work) {
    const created = await this.#notification(work)
    this.#notifications.created.inc({ severity: severityOf(severity) })
    return created
  }

  /**
   * @template {{ severity: string, createdAt: Date, acknowledgedAt: Date | null }} T
   * @param {() => Promise<T>} work
   */
  async acknowledge(work) {
    const acknowledged = await this.#notification(work)
    const { severity, createdAt, acknowledgedAt } = acknowledged
    const seconds = ((acknowledgedAt ?? new Date()).getTime() - createdAt.getTime()) / 1000
    this.#notifications.acknowledged.observe({ severity: severityOf(severity) }, seconds)
    return acknowledged
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   */
  async #notification(work) {
    try {
      return await work()
    } catch (error) {
      if (statusOf(error) >= 500) this.#notifications.failed.inc()
      throw error
    }
  }

  /**
   * @template T
   * @param {string} meaning
   * @param {() => Promise<T>} work
   */
  async sign(meaning, work) {
    const count = (/** @type {string} */ result) => this.#signatures.made.inc({ meaning: meaningOf(meaning), result })
    const stop = this.#signatures.seconds.startTimer()
    try {
      const signed = await work()
      count('made')
      stop()
      return signed
    } catch (error) {
      count(statusOf(error) >= 500 ? 'failed' : 'refused')
      throw error
    }
  }

  /** @param {readonly { problem: string | null }[]} signatures */
  signaturesJudged(signatures) {
    const invalid = signatures.filter(({ problem }) => problem !== null).length
    this.#signatures.judged.inc({ result: 'invalid' }, invalid)
    this.#signatures.judged.inc({ result: 'valid' }, signatures.length - invalid)
  }

  exportQueued() {
    this.#exports.queued.inc()
  }

  /**
   * @template T
   * @param {() => Promise<T>} download
   */
  async exportRun(download) {
    const key = Symbol('export')
    const started = performance.now()
    this.#running.set(key, started)
    let state = 'failed'
    try {
      const result = await download()
      state = 'done'
      return result
    } finally {
      this.#running.delete(key)
      this.#exports.finished.observe({ state }, (performance.now() - started) / 1000)
    }
  }

  /**
   * @template T
   * @param {{ action: string, outcome: 'success' | 'failure' }} entry
   * @param {() => Promise<T>} write
   */
  async auditWrite({ action, outcome }, write) {
    const stop = this.#audit.seconds.startTimer()
    try {
      const written = await write()
      this.#audit.entries.inc({ action: actionOf(action), outcome })
      stop()
      return written
    } catch (error) {
      this.#audit.failed.inc()
      throw error
    }
  }

  /** @param {boolean} whole */
  auditVerified(whole) {
    this.#audit.valid.set({ chain: 'auditlogs' }, whole ? 1 : 0)
    this.#audit.verified.set({ chain: 'auditlogs' }, Date.now() / 1000)
  }
}

/** @param {unknown} error */
function statusOf(error) {
  return error instanceof RequestProblem ? error.status : 500
}
