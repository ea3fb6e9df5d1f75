const answered = await fetch('http://127.0.0.1:3000/ready', { signal: AbortSignal.timeout(2000) }).catch(() => null)
process.exitCode = answered?.ok ? 0 : 1
