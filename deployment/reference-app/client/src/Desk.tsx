import { useCallback, useState } from 'react'
import { logOut } from './api/session.ts'
import { NO_TERMS, type SearchTerms, type Study, searchStudies } from './api/studies.ts'
import { Notifications } from './Notifications.tsx'
import { Search } from './Search.tsx'
import { StudyPanel } from './StudyPanel.tsx'
import type { Who } from './session.ts'
import { useAction } from './useAction.ts'
import { useLoaded } from './useLoaded.ts'
import { Worklist } from './Worklist.tsx'

/** The place of somebody who is logged in. */
export function Desk({ who }: { who: Who }) {
  const [terms, setTerms] = useState<SearchTerms>(NO_TERMS)
  const [selected, setSelected] = useState<Study>()
  const [notified, setNotified] = useState(0)
  const leaving = useAction()
  const studies = useLoaded(useCallback((signal: AbortSignal) => searchStudies(terms, signal), [terms]))
  return (
    <>
      <header>
        <h1>PACS</h1>
        <Search onSearch={setTerms} />
        <span className="who">
          {who.printedName}{' '}
          <button type="button" disabled={leaving.isRunning} onClick={() => leaving.run(logOut)}>
            Log out
          </button>
        </span>
        {leaving.problem && <p role="alert">{leaving.problem}</p>}
      </header>
      <Notifications key={notified} />
      <main className="desk">
        <section aria-label="Worklist">
          <Worklist studies={studies} selected={selected} onSelect={setSelected} />
        </section>
        <section aria-label="Study">
          {selected ? (
            <StudyPanel
              key={selected.studyInstanceUid}
              study={selected}
              who={who}
              onNotified={() => setNotified((count) => count + 1)}
            />
          ) : (
            <p className="hint">Choose a study.</p>
          )}
        </section>
      </main>
    </>
  )
}
