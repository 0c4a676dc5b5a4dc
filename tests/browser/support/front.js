// What stands before patmint, as a proxy would: it takes the path off that the issuer has, and keeps what crossed the wire.

import http from 'node:http'
import { once } from 'node:events'

export class Front {
  // Every request: method, target, header lines and body, as they were sent.
  requests = []
  // Whether patmint is out of reach.
  isCut = false
  #path
  #server

  static async listen(path) {
    const front = new Front()
    front.#path = path
    front.#server = http.createServer((request, response) => front.#pass(request, response))
    front.#server.listen(0, '127.0.0.1')
    await once(front.#server, 'listening')
    front.url = `http://127.0.0.1:${front.#server.address().port}${path}`
    return front
  }

  // Where patmint listens.
  to(address) {
    this.address = address
  }

  async #pass(request, response) {
    const { method, url, rawHeaders } = request
    const chunks = []
    for await (const chunk of request) {
      chunks.push(chunk)
    }
    const body = Buffer.concat(chunks)
    this.requests.push({ method, url, headers: rawHeaders.join('\n'), body: body.toString() })
    if (this.isCut) {
      request.socket.destroy()
      return
    }
    if (!url.startsWith(`${this.#path}/`)) {
      response.writeHead(404).end()
      return
    }
    const target = new URL(url.slice(this.#path.length), this.address)
    const passed = http.request(target, { method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    passed.end(body)
  }

  close() {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
