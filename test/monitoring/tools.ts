// promtool and amtool of the image that the stack names for Prometheus, or of what stands in for it.
import { docker, ensureEngine, ensureVendorImage, LAB_LABEL, Progress } from '../lab/index.ts'

const IMAGE = 'prom/prometheus:v3.13.2'
const ALERTMANAGER = 'prom/alertmanager:v0.34.0'

/** Two containers that see folders of this machine under their own paths. */
export class MonitoringTools {
  readonly #containers: Readonly<Record<'promtool' | 'amtool', string>>

  private constructor(containers: Readonly<Record<'promtool' | 'amtool', string>>) {
    this.#containers = containers
  }

  static async start(folders: readonly string[]): Promise<MonitoringTools> {
    const progress = new Progress(undefined, 'monitoring')
    await ensureEngine(progress)
    const start = async (reference: string) => {
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
        ...volumes,
        '--entrypoint',
        'sleep',
        image,
        '1800',
      ])
    }
    return new MonitoringTools({ promtool: await start(IMAGE), amtool: await start(ALERTMANAGER) })
  }

  /** @returns what the program wrote. @throws when it ended with an error, with what it wrote */
  run([program, ...args]: ['promtool' | 'amtool', ...string[]]): Promise<string> {
    return docker(['exec', this.#containers[program], 'sh', '-c', 'exec "$@" 2>&1', 'sh', program, ...args])
  }

  /** Starts Alertmanager with this configuration where `amtool` runs, at its own port of the loopback address. */
  async startAlertmanager(config: string): Promise<void> {
    const options = [`--config.file=${config}`, '--storage.path=/tmp/alertmanager', '--cluster.listen-address=']
    await docker(['exec', '--detach', this.#containers.amtool, '/bin/alertmanager', ...options])
  }

  /** Runs a script of `amtool` commands, a file in one of the folders. */
  script(file: string): Promise<string> {
    return docker(['exec', this.#containers.amtool, 'sh', '-e', file])
  }

  async remove(): Promise<void> {
    await docker(['rm', '-fv', ...Object.values(this.#containers)])
  }
}
