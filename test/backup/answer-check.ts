// A process that answers one check, as `pacs-agent answer-check` does.
import { answerCheck } from '../../src/backup/check-process.ts'

await answerCheck(
  process.stdin,
  (line) => new Promise((resolve) => void process.stdout.write(`${line}\n`, () => resolve())),
)
process.exit(0)
