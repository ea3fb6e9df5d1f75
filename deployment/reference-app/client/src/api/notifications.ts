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

/**
 * What nobody has acknowledged yet: critical ones first, then what waits longest. The page asks for it by itself, which keeps no
 * session alive.
 */
export async function readOpenNotifications(signal: AbortSignal): Promise<Notification[]> {
  const headers = { 'X-Unattended': '1' }
  return (await ask(notifications, '/api/notifications', { signal, headers })).notifications
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
