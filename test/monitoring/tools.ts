// promtool and amtool of the image that the stack names for Prometheus, or of what stands in for it.
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { docker, ensureEngine, ensureVendorImage, LAB_LABEL, Progress } from '../lab/index.ts'

const IMAGE = 'prom/prometheus:v3.13.2'
const ALERTMANAGER = 'prom/alertmanager:v0.34.0'
const NODE = 'node:24.19-slim'
/** Where Alertmanager runs, the mail server of its shipped configuration is whoever listens there. */
const MAIL_SERVER = ['--add-host', 'smtp.example.org:127.0.0.1']

/** Two containers that see folders of this machine under their own paths. */
export class MonitoringTools {
  readonly #containers: Readonly<Record<'promtool' | 'amtool', string>>
  #receivers: string | undefined

  private constructor(containers: Readonly<Record<'promtool' | 'amtool', string>>) {
    this.#containers = containers
  }

  static async start(folders: readonly string[]): Promise<MonitoringTools> {
    const progress = new Progress(undefined, 'monitoring')
    await ensureEngine(progress)
    const start = async (reference: string, options: readonly string[] = []) => {
      const { image } = await ensureVendorImage(reference, progress)
      const volumes = folders.flatMap((folder) => ['-v', `${folder}:${folder}`])
      // The label keeps it from being taken for what a dead run left behind.
      const label = ['--label', `${LAB_LABEL}=monitoring-tools-${process.pid}`]
      return docker([
        'run',
        '-d',
        '--init',
        ...label,
        // Nobody outside is to hear of a test's alerts.
        '--network',
        'none',
        '--user',
        '0:0',
        ...options,
        ...volumes,
        '--entrypoint',
        'sleep',
        image,
        '1800',
      ])
    }
    return new MonitoringTools({ promtool: await start(IMAGE), amtool: await start(ALERTMANAGER, MAIL_SERVER) })
  }

  /** @returns what the program wrote. @throws when it ended with an error, with what it wrote */
  run([program, ...args]: ['promtool' | 'amtool', ...string[]]): Promise<string> {
    return docker(['exec', this.#containers[program], 'sh', '-c', 'exec "$@" 2>&1', 'sh', program, ...args])
  }

  /**
   * Starts Alertmanager with this configuration where `amtool` runs, at its own port of the loopback address.
   * @param secrets by the names of its files in `/run/secrets`. @param authority path of the certificate that it trusts beside no other
   */
  async startAlertmanager(config: string, secrets: Record<string, string> = {}, authority?: string): Promise<void> {
    const { amtool } = this.#containers
    for (const [name, content] of Object.entries(secrets)) await this.#write(`/run/secrets/${name}`, content)
    await this.#write('/etc/alertmanager/message.tmpl', await readFile(join(dirname(config), 'message.tmpl'), 'utf8'))
    const options = [`--config.file=${config}`, '--storage.path=/tmp/alertmanager', '--cluster.listen-address=']
    const trust = authority === undefined ? [] : ['--env', `SSL_CERT_FILE=${authority}`]
    await docker(['exec', '--detach', ...trust, amtool, '/bin/alertmanager', ...options])
  }

  /** Starts what keeps the messages of Alertmanager. @param options as test/monitoring/receivers.mjs takes them, with paths in the folders */
  async startReceivers(...options: string[]): Promise<void> {
    const { image } = await ensureVendorImage(NODE, new Progress(undefined, 'monitoring'))
    const { amtool } = this.#containers
    const where = ['--network', `container:${amtool}`, '--volumes-from', amtool, '--user', '0:0']
    const label = ['--label', `${LAB_LABEL}=monitoring-tools-${process.pid}`]
    const script = join(import.meta.dirname, 'receivers.mjs')
    const volume = ['--volume', `${script}:${script}:ro`]
    this.#receivers = await docker([
      'run',
      '-d',
      '--init',
      ...label,
      ...where,
      ...volume,
      '--entrypoint',
      'node',
      image,
      script,
      ...options,
    ])
  }

  /** What Alertmanager says of itself. */
  async metrics(): Promise<string> {
    return docker(['exec', this.#containers.amtool, 'wget', '-q', '-O', '-', 'http://127.0.0.1:9093/metrics'])
  }

  async #write(path: string, content: string): Promise<void> {
    const script = 'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1"'
    await docker(['exec', this.#containers.amtool, 'sh', '-ec', script, 'sh', path, content])
  }

  /** Runs a script of `amtool` commands, a file in one of the folders. */
  script(file: string): Promise<string> {
    return docker(['exec', this.#containers.amtool, 'sh', '-e', file])
  }

  async remove(): Promise<void> {
    const all = [...Object.values(this.#containers), ...(this.#receivers === undefined ? [] : [this.#receivers])]
    await docker(['rm', '-fv', ...all])
  }
}
