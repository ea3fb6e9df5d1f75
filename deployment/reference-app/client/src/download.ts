/** Fetches what lies at `path` as a file. The page stays, and with it what is being written on it, also when the answer is an error. */
export function download(path: string): void {
  const link = document.createElement('a')
  link.href = path
  link.download = ''
  link.click()
}
