// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} is Compose's here
import { expect, test } from 'vitest'
import { filesOf, variablesOf } from '../../../src/stack/index.ts'
import { FIT, stackFrom } from './stack-from.ts'

test('variables are listed by name, with what they need, whom they reach and where they stand', () => {
  expect(variablesOf(stackFrom(FIT))).toEqual([
    { name: 'COMMIT', required: true, server: false, services: ['api'], file: 'compose.yml', line: 14 },
    {
      name: 'EDGE_DIR',
      required: false,
      default: './gate',
      server: true,
      services: ['edge'],
      file: 'compose.yml',
      line: 33,
    },
    { name: 'PREFIX', required: false, default: 'x', server: false, services: ['api'], file: 'compose.yml', line: 13 },
    { name: 'SIZE', required: false, default: '10', server: true, services: ['store'], file: 'compose.yml', line: 5 },
    { name: 'TAG', required: true, server: false, services: ['api'], file: 'compose.yml', line: 13 },
    { name: 'TOKEN', required: true, server: true, services: ['api'], file: 'compose.yml', line: 15 },
  ])
})

test('a variable that several services use is listed once: required where one of them requires it', () => {
  const text = `services:
  b: { image: 'b:1', environment: { A: '\${V:-d}', B: $$V } }
  a:
    image: a:1
    environment: [PASSED, 'X=\${V:?needed}', 'Y=\${W:+\${INNER}}']
    secrets: [{ source: s }]
    x-pacs: { route: '\${NOT_OF_COMPOSE}' }
secrets: { s: { environment: SECRET }, unused: { environment: OTHER } }
`
  expect(variablesOf(stackFrom(text)).map(({ file: _file, ...variable }) => variable)).toEqual([
    { name: 'INNER', required: true, server: true, services: ['a'], line: 5 },
    { name: 'PASSED', required: false, server: true, services: ['a'], line: 5 },
    { name: 'SECRET', required: true, server: true, services: ['a'], line: 8 },
    { name: 'V', required: true, default: 'd', server: true, services: ['a', 'b'], line: 2 },
    { name: 'W', required: false, server: true, services: ['a'], line: 5 },
  ])
})

test('the files of a service are those that it mounts, the ones of the config revision apart', () => {
  const text = `services:
  a:
    image: a:1
    volumes:
      - { type: bind, source: ./conf/b.yml, target: /b }
      - { type: bind, source: conf//a.yml, target: /a }
      - { type: bind, source: ./certs/tls.key, target: /k }
      - { type: bind, source: /var/run, target: /r }
      - { type: bind, source: '\${D:-./made}', target: /d }
      - { type: volume, source: data, target: /v }
    configs: [{ source: c }]
    secrets: [{ source: s }, { source: t }]
secrets: { s: { file: ./secrets/s }, t: { environment: T } }
configs: { c: { file: ./conf/b.yml }, unused: { file: ./conf/c.yml } }
`
  expect(filesOf(stackFrom(text), 'a')).toEqual({
    files: ['conf/a.yml', 'conf/b.yml'],
    secrets: ['certs/tls.key', 'secrets/s'],
  })
})
