import { Long, serialize } from 'bson'
import { describe, expect, it } from 'vitest'
import { askDicom } from '../../../src/health/protocols/dicom.ts'
import { askHttp } from '../../../src/health/protocols/http.ts'
import { askMongodb } from '../../../src/health/protocols/mongodb.ts'
import { askPostgres } from '../../../src/health/protocols/postgres.ts'
import { askRedis } from '../../../src/health/protocols/redis.ts'
import { httpService, type Service, saying, silent } from '../../health/services.ts'

const at = ({ port }: Service) => ({ host: '127.0.0.1', port })
const patience = (ms = 10_000) => AbortSignal.timeout(ms)

/** The answer of a MongoDB server to any command. */
function mongo(document: object): Buffer {
  const body = Buffer.concat([Buffer.alloc(5), serialize(document)])
  const head = Buffer.alloc(16)
  head.writeInt32LE(16 + body.length, 0)
  head.writeInt32LE(2013, 12)
  return Buffer.concat([head, body])
}

/** A PostgreSQL message. */
function postgres(type: string, content: string | Buffer): Buffer {
  const head = Buffer.from(`${type}\0\0\0\0`, 'latin1')
  head.writeInt32BE(4 + content.length, 1)
  return Buffer.concat([head, Buffer.from(content)])
}

describe('a service that accepts and stays silent', () => {
  it.each([
    ['mongodb', askMongodb],
    ['redis', (address: { host: string; port: number }, signal: AbortSignal) => askRedis(address, 'health', signal)],
    ['postgres', (address: { host: string; port: number }, signal: AbortSignal) => askPostgres(address, 'x', signal)],
    [
      'dicom',
      (address: { host: string; port: number }, signal: AbortSignal) =>
        askDicom(address, { called: 'A', calling: 'B' }, signal),
    ],
  ])('is not taken for a %s', async (_name, ask) => {
    await using service = await silent()
    await expect(ask(at(service), patience(150))).rejects.toThrow('accepts connections but does not answer')
  })
})

describe('mongodb', () => {
  const hello = {
    topologyVersion: { processId: 'x', counter: Long.fromNumber(1) },
    isWritablePrimary: true,
    setName: 'pacs',
    ok: 1,
  }
  const refusal = { ok: 0, errmsg: 'Command listDatabases requires authentication', code: 13, codeName: 'Unauthorized' }
  const names = { databases: [{ name: 'admin', empty: false }], totalSize: Long.fromNumber(1), ok: 1 }
  it.each<[hello: object, listDatabases: object, boolean, RegExp]>([
    [hello, refusal, true, /^writable, primary of pacs$/],
    [hello, { ...refusal, code: 18 }, true, /^writable, primary of pacs$/],
    [hello, names, false, /^lets anyone in without a login$/],
    [hello, { ok: 0, errmsg: 'going away', code: 91 }, false, /^refuses listDatabases: going away$/],
    [{ ...hello, isWritablePrimary: false, secondary: true }, refusal, false, /takes no writes: it is a secondary/],
    [{ ...hello, isWritablePrimary: false, secondary: true }, names, false, /^lets anyone in/],
    [{ ...hello, isWritablePrimary: false }, { ...refusal, code: 10107 }, false, /no primary/],
    [{ localTime: new Date(0), readOnly: true, ...hello }, refusal, false, /is read-only/],
    [{ ok: 0, errmsg: 'not yet' }, refusal, false, /refuses hello: not yet/],
  ])('says of %j and %j: %s', async (first, second, ok, detail) => {
    await using service = await saying(Buffer.concat([mongo(first), mongo(second)]))
    const finding = await askMongodb(at(service), patience())
    expect(finding).toMatchObject({ ok, detail: expect.stringMatching(detail) })
  })

  it('is not well on half of its answers', async () => {
    await using service = await saying(mongo(hello))
    await expect(askMongodb(at(service), patience(150))).rejects.toThrow('accepts connections but does not answer')
  })

  it('is not what speaks another protocol', async () => {
    await using service = await saying('HTTP/1.1 400 Bad Request\r\n\r\n')
    await expect(askMongodb(at(service), patience())).rejects.toThrow(/is no MongoDB/)
  })
})

describe('redis', () => {
  it.each([
    ['+OK\r\n+PONG\r\n-NOPERM no\r\n', true, 'PONG'],
    ['+OK\r\n+PONG\r\n*3\r\n$6\r\nmaster\r\n:1\r\n*0\r\n', true, 'PONG'],
    ['+OK\r\n+PONG\r\n*5\r\n$5\r\nslave\r\n', false, 'is a read-only replica: writes are refused'],
    ['+OK\r\n-LOADING Redis is loading\r\n-NOPERM\r\n', false, 'answers LOADING Redis is loading'],
    ['+OK\r\n-MISCONF disk full\r\n-NOPERM\r\n', false, 'answers MISCONF disk full'],
    ['-WRONGPASS no\r\n-NOAUTH\r\n-NOAUTH\r\n', false, 'answers WRONGPASS no'],
    ['+OK\r\n+OK\r\n-NOPERM\r\n', false, 'answers no PONG to PING: +OK'],
  ])('says of %j: %s', async (reply, ok, detail) => {
    await using service = await saying(reply)
    expect(await askRedis(at(service), 'health', patience())).toEqual({ ok, detail })
  })
})

describe('postgres', () => {
  it.each([
    [postgres('R', Buffer.from([0, 0, 0, 10])), true, 'takes logins'],
    [postgres('R', Buffer.alloc(4)), false, 'lets orthanc in without a password'],
    [postgres('E', 'SFATAL\0C28P01\0Mno\0\0'), true, 'takes logins'],
    [postgres('E', 'SFATAL\0C57P03\0Mstarting up\0\0'), false, '57P03: starting up'],
    [postgres('E', 'SFATAL\0C53300\0Mtoo many\0\0'), false, '53300: too many'],
  ])('reads %s', async (bytes, ok, detail) => {
    await using service = await saying(bytes)
    expect(await askPostgres(at(service), 'orthanc', patience())).toEqual({ ok, detail })
  })
})

describe('dicom', () => {
  const pdu = (type: number, ...body: number[]) => Buffer.from([type, 0, 0, 0, 0, body.length, ...body])
  it.each([
    [pdu(2, 0, 1), true, /^associates with ME$/],
    [pdu(3, 0, 1, 1, 3), true, /^speaks DICOM \(rejects ME/],
    [pdu(3, 0, 1, 1, 7), false, /^is not called PACS/],
    [pdu(3, 0, 2, 3, 1), false, /^is too busy/],
    [pdu(7, 0, 0, 0, 0), false, /^aborts/],
  ])('reads %j', async (bytes, ok, detail) => {
    await using service = await saying(bytes)
    const finding = await askDicom(at(service), { called: 'PACS', calling: 'ME' }, patience())
    expect(finding).toMatchObject({ ok, detail: expect.stringMatching(detail) })
  })
})

describe('http', () => {
  it.each([
    [200, '{"status":"ready"}', {}, true, 'status 200'],
    [200, '{"error":"database away"}', {}, false, 'status 200, but the answer says error: "database away"'],
    [
      200,
      '{"status":"degraded","dependencies":{"mongodb":"down"}}',
      {},
      false,
      'status 200, but the answer says dependencies.mongodb: down',
    ],
    [200, '{"ok":false}', {}, false, 'status 200, but the answer says ok: false'],
    [200, '{"errors":[]}', {}, true, 'status 200'],
    [503, '{"status":"down"}', {}, false, 'status 503: status: down'],
    [200, '<h1>other</h1>', { contains: '/assets/' }, false, 'status 200, but "/assets/" is not in the answer'],
    [200, '{"v":{"id":"old"}}', { expect: { 'v.id': 'new' } }, false, 'status 200, but v.id is "old", wanted "new"'],
    [200, 'not json', { expect: { status: 'ready' } }, false, 'status 200, but status is absent, wanted "ready"'],
    [401, '', { status: 401 }, true, 'status 401'],
    [
      200,
      '',
      { header: { name: 'X-Pacs-Instance', oneOf: ['1a'] } },
      false,
      'status 200, but X-Pacs-Instance is 2b, wanted 1a',
    ],
  ])('believes %s %s only so far', async (status, body, more, ok, detail) => {
    await using service = await httpService((_request, response) => {
      response.writeHead(status, { 'x-pacs-instance': '2b' }).end(body)
    })
    const url = `http://127.0.0.1:${service.port}/`
    expect(await askHttp({ url, timeout: 10_000, ...more })).toEqual({ ok, detail })
  })
})
