import { useCallback, useEffect, useState } from 'react'
import { acknowledge, type Notification, readOpenNotifications } from './api/notifications.ts'
import { useAction } from './useAction.ts'
import { type Loaded, useLoaded } from './useLoaded.ts'
import { whileSeen } from './whileSeen.ts'

/** Critical findings that wait for somebody to say that he knows. */
export function Notifications() {
  const [turn, setTurn] = useState(0)
  const lookAgain = useCallback(() => setTurn((count) => count + 1), [])
  const notifications = useLoaded(readOpenNotifications, turn)
  const { run, isRunning, problem } = useAction()
  useEffect(() => whileSeen(lookAgain), [lookAgain])
  return (
    <OpenNotifications
      notifications={notifications}
      problem={problem}
      isRunning={isRunning}
      onAcknowledge={(id) => run(() => acknowledge(id).finally(lookAgain))}
    />
  )
}

interface OpenNotificationsProps {
  notifications: Loaded<Notification[]>
  problem: string | undefined
  isRunning: boolean
  onAcknowledge: (id: string) => void
}

export function OpenNotifications({ notifications, problem, isRunning, onAcknowledge }: OpenNotificationsProps) {
  if (notifications.state === 'loading') return null
  if (notifications.state === 'failed') return <p role="alert">{notifications.message}</p>
  if (notifications.value.length === 0 && !problem) return null
  return (
    <section aria-label="Critical findings" className="notifications">
      <h2>Critical findings</h2>
      {problem && <p role="alert">{problem}</p>}
      <ul>
        {notifications.value.map(({ id, severity, finding, study, createdBy, createdAt, recipient }) => (
          <li key={id}>
            <strong>{severity}</strong> {finding} <small>study {study}</small>{' '}
            <small>
              from {createdBy} to {recipient}, <time dateTime={createdAt}>{new Date(createdAt).toLocaleString()}</time>
            </small>{' '}
            <button type="button" disabled={isRunning} onClick={() => onAcknowledge(id)}>
              Acknowledge
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
