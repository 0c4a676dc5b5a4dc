// What every test has: a server, a page, and a look at what the browser did and complained of.

import AxeBuilder from '@axe-core/playwright'
import { expect, test as base } from '@playwright/test'
import { Server } from './server.js'

export { expect }

export const PASSWORD = 'a few words will do'

let people = 0

// Somebody whom nobody knows yet.
export function somebody() {
  people += 1
  return `person-${people}@acme.example`
}

// What the browser says on its own of an answer, `STATUS PATH`; anything else as it is.
function complaint(message, url) {
  const status = /^Failed to load resource: the server responded with a status of (\d+)/.exec(message.text())
  return status ? `${status[1]} ${message.location().url.slice(url.length)}` : message.text()
}

// Invites people, and knows the secrets that were made.
class Invitations {
  secrets = []
  #server
  #session

  constructor(server, session) {
    this.#server = server
    this.#session = session
  }

  async to(email, role = 'member') {
    const made = await this.#call('POST', '', { email, role })
    expect(made.status, JSON.stringify(made.body)).toBe(201)
    const { id, link } = made.body
    const secret = link.split('#')[1]
    this.secrets.push(secret)
    return { id, link, secret }
  }

  async withdraw(id) {
    expect((await this.#call('DELETE', `/${id}`)).status).toBe(204)
  }

  #call(method, rest, body) {
    return this.#server.call(method, `/api/v1/orgs/acme/invitations${rest}`, body, this.#session)
  }
}

export const test = base.extend({
  path: ['', { option: true, scope: 'worker' }],

  server: [
    async ({ path }, use) => {
      const server = await Server.start(path)
      await use(server)
      await server.stop()
    },
    { scope: 'worker' },
  ],

  // The answers that the browser may complain of in this test, `STATUS PATH`, in their order.
  refusals: async ({}, use) => use([]),

  // No page complains: neither of its policy, nor of its script, nor of what is not there.
  quiet: [
    async ({ page, server, refusals }, use) => {
      const complaints = []
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) {
          complaints.push(complaint(message, server.url))
        }
      })
      page.on('pageerror', (error) => complaints.push(`${error}`))
      await use()
      expect(complaints).toEqual(refusals)
    },
    { auto: true },
  ],

  // Invitations. When a test is over, nothing knows their secrets.
  invite: async ({ page, path, server }, use) => {
    const { email, password } = server.account
    const { session_token } = (await server.signIn(email, password)).body
    const invitations = new Invitations(server, session_token)
    const past = server.front.requests.length
    await use(invitations)
    const sent = server.front.requests.slice(past)
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toContain(`GET ${path}/invitations`)
    expectUnsent(invitations.secrets, sent)
    await expectUnkept(invitations.secrets, page)
  },
})

// A secret crosses the wire in the body of its acceptance, and nowhere else.
function expectUnsent(secrets, sent) {
  for (const { url, headers, body } of sent) {
    const isAcceptance = url.endsWith('/api/v1/invitations/accept')
    const open = [url, headers, isAcceptance ? '' : body].join('\n')
    expect(secrets.filter((secret) => open.includes(secret)), url).toEqual([])
  }
}

// The browser has the secrets neither in an address nor in what a page can keep.
async function expectUnkept(secrets, page) {
  const protocol = await page.context().newCDPSession(page)
  const { entries } = await protocol.send('Page.getNavigationHistory')
  const addresses = [page.url(), ...entries.map(({ url }) => url)]
  const stores = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state]))
  const kept = [...addresses, stores, await page.content()].join('\n')
  expect(secrets.filter((secret) => kept.includes(secret))).toEqual([])
}

// Nothing stands in the way of those who cannot see the page, or use no mouse.
export async function expectAccessible(page) {
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
}

// Nothing is wider than the window.
export async function expectNarrow(page) {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
}
