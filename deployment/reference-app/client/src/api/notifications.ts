import { z } from 'zod/mini'
import { ask, change } from './request.ts'

const notification = z.object({
  id: z.string(),
  study: z.string(),
  severity: z.enum(['critical', 'urgent']),
  finding: z.string(),
  createdBy: z.string(),
  createdAt: z.string(),
  recipient: z.string(),
})
const notifications = z.object({ notifications: z.array(notification) })

export type Notification = z.infer<typeof notification>

/** What nobody has acknowledged yet: critical ones first, of each severity the oldest first. */
export async function readOpenNotifications(signal: AbortSignal): Promise<Notification[]> {
  return (await ask(notifications, '/api/notifications', { signal })).notifications
}

export async function notify(
  finding: Pick<Notification, 'study' | 'severity' | 'finding' | 'recipient'>,
): Promise<void> {
  await change(notification, 'POST', '/api/notifications', finding)
}

/** @throws ApiProblem 409 when somebody was faster */
export async function acknowledge(id: string): Promise<void> {
  await change(notification, 'POST', `/api/notifications/${id}/acknowledge`, {})
}
