/** Milliseconds between two looks. */
const EVERY = 60_000

/**
 * Calls `look` every minute while the page can be seen, and when somebody comes back to it.
 * @returns what ends that
 */
export function whileSeen(look: () => void): () => void {
  const lookIfSeen = () => {
    if (document.visibilityState === 'visible') look()
  }
  const timer = setInterval(lookIfSeen, EVERY)
  window.addEventListener('focus', lookIfSeen)
  return () => {
    clearInterval(timer)
    window.removeEventListener('focus', lookIfSeen)
  }
}
