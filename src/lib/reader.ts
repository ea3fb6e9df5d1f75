import { exitClass } from './errors.ts'

/** Ends this process when who reads what it prints has seen enough (`… | head`): nobody learns what came of it. */
export function endWithReader(): void {
  process.stdout.on('error', (thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EPIPE') throw thrown
    process.exit(exitClass.unknown)
  })
}
