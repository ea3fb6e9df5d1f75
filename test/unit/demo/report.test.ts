import { describe, expect, it } from 'vitest'
import { addressesOf, complaintsOf, endOf, type Played, tableOf } from '../../demo/report.ts'
import type { LostRequest } from '../../load/counter.ts'
import { people } from '../../site/users.ts'

const reset: LostRequest = {
  asked: 1490,
  at: 1500,
  request: 'GET /',
  instance: null,
  why: 'read ECONNRESET',
  status: null,
}
const failed: LostRequest = {
  asked: 10,
  at: 20,
  request: 'GET /api/version',
  instance: 'bbbb',
  why: 'status 500',
  status: 500,
}

function stage(
  title: string,
  unmet: string[],
  lost: { failed?: LostRequest[]; announced?: LostRequest[] } = {},
): Played {
  const tally = { sent: 100, failed: lost.failed ?? [], announced: lost.announced ?? [], longestGap: 12.4 }
  return {
    title,
    duration: 65_000,
    scene: {
      sights: [
        { server: 'staging', outcome: 'deployed', tally },
        { server: 'production', outcome: 'untouched' },
      ],
      unmet,
    },
  }
}

describe('the table of the demo', () => {
  it('has a row for each server of a stage, and the time of the stage once', () => {
    const rows = tableOf([stage('release 2', [])])
      .split('\n')
      .slice(2)
    expect(rows.map((row) => row.trim().split(/ {2,}/))).toEqual([
      ['release 2', '65 s', 'staging', 'deployed', '100', '0', '12 ms'],
      ['production', 'untouched'],
    ])
  })

  it('tells answers that were announced from requests that were lost', () => {
    expect(tableOf([stage('release 4', [], { announced: [failed], failed: [reset] })])).toContain('1 (+ 1 announced)')
  })

  it('marks a stage that was not as expected, and one that broke off', () => {
    expect(tableOf([stage('release 2', ['production: release 1 still serves'])])).toContain('NOT AS EXPECTED: deployed')
    const broken = { title: 'release 2', duration: 1, scene: { sights: [], unmet: ['act ended'] } }
    expect(tableOf([broken])).toContain('NOT AS EXPECTED: broke off')
  })
})

describe('what the demo complains of', () => {
  it('is nothing when all was as expected, announced answers included', () => {
    expect(complaintsOf([stage('release 4', [], { announced: [failed] })])).toEqual([])
  })

  it('is every unmet expectation, and what was lost, where and why', () => {
    expect(complaintsOf([stage('release 2', ['staging: 1 requests were lost'], { failed: [reset] })])).toEqual([
      'release 2: staging: 1 requests were lost',
      'release 2: staging: lost at 1.5 s: GET /: read ECONNRESET (instance unknown)',
    ])
  })
})

describe('the last line of the demo', () => {
  it('sums up all stages', () => {
    const played = [stage('release 2', []), stage('release 3', [], { failed: [reset] })]
    expect(endOf(played, 130_400)).toBe('demo: 200 requests, 1 failed, 130 s')
  })

  it('counts announced answers apart, in a line before', () => {
    const lines = endOf([stage('release 4', [], { announced: [failed, failed] })], 9000).split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toContain('2 answers 500')
    expect(lines[1]).toBe('demo: 100 requests, 0 failed, 9 s')
  })
})

describe('what the demo says of servers that it leaves up', () => {
  it('is where each is, who may log in, and how to end it', () => {
    const server = { name: 'staging', hostname: 'staging.lab', port: (inside: number) => 40_000 + inside }
    const said = addressesOf({ name: 'demo-1', ca: '/tmp/ca.crt', servers: new Map([['staging', server]]) })
    expect(said).toMatch(/^staging +https:\/\/localhost:40443\/$/m)
    expect(said).toContain('--cacert /tmp/ca.crt --resolve staging.lab:40443:127.0.0.1')
    for (const { name, password } of Object.values(people)) expect(said).toContain(`${name} with "${password}"`)
    expect(said).toContain('npm run lab -- down --name demo-1')
  })
})
