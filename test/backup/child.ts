// A process that backs up, verifies or restores as it is told on its standard input, and ends itself by SIGKILL at a moment that it is told too.
import { text } from 'node:stream/consumers'
import { type Docker, dockerIn, runRestore, takeBackup, verifyBackup } from '../../src/backup/index.ts'
import { hostEnv } from '../lab/docker.ts'

const { kind, request, killAt } = JSON.parse(await text(process.stdin))
const moment = new RegExp(killAt)
const dieAt = (what: string) => {
  if (moment.test(what)) process.kill(process.pid, 'SIGKILL')
}
const engine = dockerIn(hostEnv())
const docker: Docker = async (args, call) => {
  const result = await engine(args, call)
  dieAt(`docker ${args.join(' ')}`)
  return result
}
const whole = {
  ...request,
  tools: { ...request.tools, docker },
  now: new Date(),
  signal: new AbortController().signal,
  progress: dieAt,
}
const work = { backup: takeBackup, verify: verifyBackup, restore: runRestore }[kind as 'backup' | 'verify' | 'restore']
await work(whole)
