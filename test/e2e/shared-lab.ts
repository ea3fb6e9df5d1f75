// vitest's set-up for all e2e files: the lab that they share is named here, brought up by the first that needs it, taken down at the end.
import { randomBytes } from 'node:crypto'
import { removeLab } from '../lab/index.ts'
import { SHARED_LAB } from '../site/site.ts'

export default function setUp(): () => Promise<void> {
  const name = `e2e-${randomBytes(3).toString('hex')}`
  process.env[SHARED_LAB] = name
  return () => removeLab(name)
}
