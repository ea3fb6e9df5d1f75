import { useEffect, useState } from 'react'
import { type Dependencies, readDependencies } from './api/system.ts'

/** Milliseconds between two looks. */
const EVERY = 15_000

const MEANS: Record<keyof Dependencies, string> = {
  orthanc: 'The image archive (Orthanc) is away: no worklist, images or downloads. Notifications and reports go on.',
  redis: 'The session store (Redis) is away: nobody can log in or out or sign; who is logged in can go on.',
  mongodb: 'The database (MongoDB) is away: no notifications, reports or log-ins. Images can be seen.',
}

/** Says what is away, and what still works. */
export function Banner() {
  const [dependencies, setDependencies] = useState<Dependencies>()
  useEffect(() => {
    const abort = new AbortController()
    const look = () =>
      readDependencies(abort.signal).then(setDependencies, () => {
        // The API itself is away: what the person does next will say so.
      })
    look()
    const timer = setInterval(look, EVERY)
    return () => {
      clearInterval(timer)
      abort.abort()
    }
  }, [])
  return <Away dependencies={dependencies} />
}

export function Away({ dependencies }: { dependencies: Dependencies | undefined }) {
  const away = (['orthanc', 'redis', 'mongodb'] as const).filter((name) => dependencies?.[name] === 'down')
  if (away.length === 0) return null
  return (
    <div role="status" className="banner">
      {away.map((name) => (
        <p key={name}>{MEANS[name]}</p>
      ))}
    </div>
  )
}
