import { expect, test } from 'vitest'
import { childEnvironment } from '../../../src/runner/index.ts'

test('a program that an action starts finds the engine and whom to trust, and sees no input and no token', () => {
  const found = {
    DOCKER_HOST: 'tcp://engine.lab:2376',
    DOCKER_TLS_VERIFY: '1',
    DOCKER_CERT_PATH: '/srv/engine',
    SSL_CERT_FILE: '/srv/ca.pem',
    SSL_CERT_DIR: '/srv/ca',
  }
  const secret = { 'INPUT_SSH-KEY': 'sentinel', GITHUB_TOKEN: 'sentinel', ACTIONS_RUNTIME_TOKEN: 'sentinel' }
  expect(childEnvironment({ ...found, ...secret })).toEqual(found)
})
