// The health check of the container: the image has Node and neither curl nor wget. Not by fetch: loading it costs each start 35 ms.
import { get } from 'node:http'

process.exitCode = 1
get(`http://127.0.0.1:${process.env.PORT ?? 3000}/health/live`, { signal: AbortSignal.timeout(2000) }, (response) => {
  process.exitCode = response.resume().statusCode === 200 ? 0 : 1
}).on('error', () => undefined)
