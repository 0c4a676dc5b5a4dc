// The real program, on a fresh SQLite database, with a first owner.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { Front } from './front.js'

const program = process.env.PATMINT_BIN

function environment() {
  const own = Object.entries(process.env).filter(([name]) => !/^(PATMINT|OTEL)_/.test(name))
  return Object.fromEntries(own)
}

// The address that the program says it listens on.
async function address(child, said) {
  for await (const line of readline.createInterface({ input: child.stderr })) {
    said.push(line)
    const found = /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)
    if (found) {
      return found[1]
    }
  }
  throw new Error(`patmint serve ended:\n${said.join('\n')}`)
}

export class Server {
  #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'patmint-browser.'))
  #said = []
  #child

  // Starts it as an issuer below `path`.
  static async start(path) {
    const server = new Server()
    const options = { cwd: server.#folder, env: environment() }
    const account = execFileSync(program, ['bootstrap', '--org', 'Acme', '--email', 'ada@acme.example', '--json'], options)
    server.account = JSON.parse(account)
    server.front = await Front.listen(path)
    const place = ['serve', '--listen', '127.0.0.1:0', '--issuer', server.front.url]
    server.#child = spawn(program, place, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
    server.front.to(await address(server.#child, server.#said))
    server.#child.stderr.resume()
    return server
  }

  // Where people reach it.
  get url() {
    return this.front.url
  }

  // Says something to the API, as whoever has this session, if any.
  async call(method, path, body, session) {
    const headers = { 'content-type': 'application/json' }
    if (session) {
      headers.authorization = `Bearer ${session}`
    }
    const answer = await fetch(`${this.url}${path}`, { method, headers, body: body && JSON.stringify(body) })
    const text = await answer.text()
    return { status: answer.status, body: text && JSON.parse(text) }
  }

  async signIn(email, password) {
    return this.call('POST', '/api/v1/session', { email, password })
  }

  // Changes the database beside the server.
  execute(statement) {
    const script = 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute(sys.argv[2]); d.commit()'
    execFileSync('python3', ['-c', script, path.join(this.#folder, 'data/patmint.db'), statement])
  }

  async stop() {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const [code] = await ended
    this.front.close()
    fs.rmSync(this.#folder, { recursive: true })
    if (code !== 0) {
      throw new Error(`patmint serve ended with ${code}:\n${this.#said.join('\n')}`)
    }
  }
}
