import { readRelease } from './api/system.ts'
import { useLoaded } from './useLoaded.ts'

/** Says which release the page is and which one the API is: in the moments of a deploy they may differ. */
export function Footer() {
  const api = useLoaded(readRelease)
  return (
    <footer>
      page {__VERSION__} ({__COMMIT__.slice(0, 12)}){' · '}
      {api.state === 'loading' && 'API …'}
      {api.state === 'failed' && 'API unknown'}
      {api.state === 'done' && `API ${api.value.version} (${api.value.commit.slice(0, 12)})`}
    </footer>
  )
}
