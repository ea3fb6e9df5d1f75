import { useEffect, useSyncExternalStore } from 'react'
import { resume } from './api/session.ts'
import { Banner } from './Banner.tsx'
import { Desk } from './Desk.tsx'
import { Footer } from './Footer.tsx'
import { LogIn } from './LogIn.tsx'
import { session } from './session.ts'

export function App() {
  const current = useSyncExternalStore(session.subscribe, session.read)
  useEffect(() => {
    const abort = new AbortController()
    resume(abort.signal).catch(() => {
      // Nobody was logged in, or nobody can tell: logging in will say why.
      if (!abort.signal.aborted) session.end()
    })
    return () => abort.abort()
  }, [])
  return (
    <>
      <Banner />
      {current.state === 'unknown' && <main className="hint">Loading…</main>}
      {current.state === 'out' && <LogIn message={current.message} />}
      {current.state === 'in' && <Desk who={current.who} />}
      <Footer />
    </>
  )
}
