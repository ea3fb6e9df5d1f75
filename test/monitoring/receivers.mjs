// A mail server and a web receiver that keep what they get: node receivers.mjs FILE SMTP-PORT HTTP-PORT [FOLDER]. One JSON line for each message.
// With a folder the mail server is as one at work: it takes mail by TLS only (key, certificate), from who logs in (user, password).
import { appendFileSync, readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'

const [file, smtpPort, httpPort, folder] = process.argv.slice(2)
const keep = (message) => appendFileSync(file, `${JSON.stringify({ at: Date.now() / 1000, ...message })}\n`)
const given = (name) => readFileSync(join(folder, name), 'utf8')

// RFC 5321, as much as one sender of short texts needs, with STARTTLS and AUTH PLAIN.
function serve(socket, secure) {
  const say = (line) => socket.write(`${line}\r\n`)
  let loggedIn = folder === undefined
  let to = []
  let body = null
  let rest = ''
  const take = (line) => {
    if (body !== null) {
      if (line !== '.') return body.push(line)
      keep({ by: 'mail', to, text: body.join('\n') })
      body = null
      return say('250 kept')
    }
    if (/^EHLO|^HELO/i.test(line)) {
      if (folder === undefined) return say('250 mail')
      say('250-mail')
      return say(secure ? '250 AUTH PLAIN' : '250 STARTTLS')
    }
    if (/^STARTTLS/i.test(line) && folder !== undefined) {
      say('220 go on')
      socket.removeAllListeners('data')
      return serve(new TLSSocket(socket, { isServer: true, key: given('key'), cert: given('certificate') }), true)
    }
    if (/^AUTH PLAIN /i.test(line) && secure) {
      const login = Buffer.from(line.slice(11), 'base64').toString()
      loggedIn = login === `\0${given('user')}\0${given('password')}`
      if (!loggedIn) keep({ by: 'refusal', text: `no such user and password: ${login.split('\0')[1]}` })
      return say(loggedIn ? '235 logged in' : '535 no such user and password')
    }
    if (/^QUIT/i.test(line)) {
      say('221 bye')
      return socket.end()
    }
    if (!loggedIn) return say('530 log in first')
    if (/^RCPT TO:/i.test(line)) to.push(line.slice(8).replace(/[<>]/g, '').trim())
    else if (/^DATA/i.test(line)) {
      body = []
      return say('354 go on')
    } else if (/^MAIL FROM:/i.test(line)) to = []
    say('250 ok')
  }
  if (!secure) say('220 mail ready')
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    rest += chunk.toString('utf8')
    for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
      const line = rest.slice(0, end)
      rest = rest.slice(end + 2)
      take(line)
    }
  })
}
createServer((socket) => serve(socket, false)).listen(Number(smtpPort))

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
