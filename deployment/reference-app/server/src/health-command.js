// The health check of the container: the image has Node and neither curl nor wget.
try {
  const response = await fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}/health/live`, {
    signal: AbortSignal.timeout(2000),
  })
  process.exitCode = response.ok ? 0 : 1
} catch {
  process.exitCode = 1
}
