import { logIn } from './api/session.ts'
import { useAction } from './useAction.ts'

export function LogIn({ message }: { message: string | undefined }) {
  const { run, isRunning, problem } = useAction()
  return (
    <main className="log-in">
      <h1>PACS</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const form = new FormData(event.currentTarget)
          run(() => logIn(String(form.get('name')).trim(), String(form.get('password'))))
        }}
      >
        <label>
          Name <input name="name" autoComplete="username" required maxLength={64} />
        </label>
        <label>
          Password <input name="password" type="password" autoComplete="current-password" required maxLength={1024} />
        </label>
        <button type="submit" disabled={isRunning}>
          Log in
        </button>
      </form>
      {(problem ?? message) && <p role="alert">{problem ?? message}</p>}
    </main>
  )
}
