import { notify } from './api/notifications.ts'
import { readPeople } from './api/session.ts'
import { useAction } from './useAction.ts'
import { useLoaded } from './useLoaded.ts'

/** Tells somebody of a critical finding in a study. */
export function NotifyForm({ study, onNotified }: { study: string; onNotified: () => void }) {
  const people = useLoaded(readPeople)
  const { run, isRunning, problem } = useAction()
  if (people.state !== 'done') return null
  return (
    <details>
      <summary>Tell of a critical finding</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const form = new FormData(event.currentTarget)
          const severity = form.get('severity') === 'urgent' ? 'urgent' : 'critical'
          const finding = {
            study,
            severity,
            finding: String(form.get('finding')),
            recipient: String(form.get('recipient')),
          }
          run(async () => {
            await notify({ ...finding, severity })
            onNotified()
          })
        }}
      >
        <label>
          Finding <input name="finding" required maxLength={2000} />
        </label>
        <label>
          Severity{' '}
          <select name="severity">
            <option>critical</option>
            <option>urgent</option>
          </select>
        </label>
        <label>
          To{' '}
          <select name="recipient">
            {people.value.map(({ name, printedName }) => (
              <option key={name} value={name}>
                {printedName}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" disabled={isRunning}>
          Tell
        </button>
      </form>
      {problem && <p role="alert">{problem}</p>}
    </details>
  )
}
