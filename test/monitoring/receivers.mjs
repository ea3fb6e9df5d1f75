// A mail server and a web receiver that keep what they get: node receivers.mjs FILE SMTP-PORT HTTP-PORT. One JSON line for each message.
import { appendFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'

const [file, smtpPort, httpPort] = process.argv.slice(2)
const keep = (message) => appendFileSync(file, `${JSON.stringify({ at: Date.now() / 1000, ...message })}\n`)

// RFC 5321, as much as one sender of short texts needs.
createServer((socket) => {
  const say = (line) => socket.write(`${line}\r\n`)
  let to = []
  let body = null
  let rest = ''
  say('220 mail ready')
  socket.on('error', () => undefined)
  socket.setEncoding('utf8').on('data', (chunk) => {
    rest += chunk
    for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
      const line = rest.slice(0, end)
      rest = rest.slice(end + 2)
      if (body !== null) {
        if (line !== '.') {
          body.push(line)
          continue
        }
        keep({ by: 'mail', to, text: body.join('\n') })
        body = null
        say('250 kept')
      } else if (/^EHLO|^HELO/i.test(line)) say('250 mail')
      else if (/^RCPT TO:/i.test(line)) {
        to.push(line.slice(8).replace(/[<>]/g, '').trim())
        say('250 ok')
      } else if (/^DATA/i.test(line)) {
        body = []
        say('354 go on')
      } else if (/^QUIT/i.test(line)) {
        say('221 bye')
        socket.end()
      } else {
        if (/^MAIL FROM:/i.test(line)) to = []
        say('250 ok')
      }
    }
  })
}).listen(Number(smtpPort))

createHttpServer((request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  request.on('end', () => {
    const { status, alerts } = JSON.parse(text)
    const names = alerts.map(({ status, labels, startsAt }) => ({ alert: labels.alertname, status, startsAt }))
    keep({ by: 'web', to: request.url, status, alerts: names })
    response.end()
  })
}).listen(Number(httpPort))
