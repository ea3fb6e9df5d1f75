import { useCallback, useState } from 'react'
import { NO_TERMS, type SearchTerms, type Study, searchStudies } from './api.ts'
import { Footer } from './Footer.tsx'
import { Image } from './Image.tsx'
import { Search } from './Search.tsx'
import { useLoaded } from './useLoaded.ts'
import { Worklist } from './Worklist.tsx'

export function App() {
  const [terms, setTerms] = useState<SearchTerms>(NO_TERMS)
  const [selected, setSelected] = useState<Study>()
  const studies = useLoaded(useCallback((signal: AbortSignal) => searchStudies(terms, signal), [terms]))
  return (
    <>
      <header>
        <h1>PACS</h1>
        <Search onSearch={setTerms} />
      </header>
      <main>
        <section aria-label="Worklist">
          <Worklist studies={studies} selected={selected} onSelect={setSelected} />
        </section>
        <section aria-label="Image">
          {selected ? (
            <Image key={selected.studyInstanceUid} study={selected} />
          ) : (
            <p className="hint">Choose a study.</p>
          )}
        </section>
      </main>
      <Footer />
    </>
  )
}
