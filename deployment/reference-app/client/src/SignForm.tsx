import { MEANINGS, type ReportVersion, type Signature } from './api/reports.ts'
import type { Who } from './session.ts'

interface SignFormProps {
  version: ReportVersion
  who: Who
  isRunning: boolean
  onSign: (signing: { version: number; meaning: Signature['meaning']; password: string }) => void
}

/** Signs the newest version, with the password again. */
export function SignForm({ version, who, isRunning, onSign }: SignFormProps) {
  const meanings = MEANINGS.filter((meaning) => meaning !== 'author' || version.author === who.user)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const form = event.currentTarget
        const given = new FormData(form)
        const meaning = meanings.find((one) => one === given.get('meaning'))
        if (meaning) onSign({ version: version.version, meaning, password: String(given.get('password')) })
        form.reset()
      }}
    >
      <label>
        Sign version {version.version} as{' '}
        <select name="meaning">
          {meanings.map((meaning) => (
            <option key={meaning}>{meaning}</option>
          ))}
        </select>
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="current-password" required maxLength={1024} />
      </label>
      <button type="submit" disabled={isRunning}>
        Sign as {who.printedName}
      </button>
    </form>
  )
}
