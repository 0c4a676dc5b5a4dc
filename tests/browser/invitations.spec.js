// What the link of an invitation opens: whoever follows it joins, and nobody else learns its secret.

import { expect, expectAccessible, expectNarrow, PASSWORD, somebody, test } from './support/test.js'

const ACCEPT = '/api/v1/invitations/accept'

const heading = (page, name) => page.getByRole('heading', { name })
const button = (page, name) => page.getByRole('button', { name })
const field = (page, name) => page.getByRole('textbox', { name })
const alert = (page) => page.getByRole('alert')

// Somebody who has an account: invited before, and a member of Acme no more.
async function known(server, invite) {
  const email = somebody()
  const { secret } = await invite.to(email)
  const { body } = await server.call('POST', ACCEPT, { token: secret, password: PASSWORD })
  const { session_token } = (await server.signIn(email, PASSWORD)).body
  const path = `/api/v1/orgs/acme/members/${body.user_id}`
  expect((await server.call('DELETE', path, undefined, session_token)).status).toBe(204)
  return email
}

// As the browser that the page runs in.
async function signInAs(page, server, email) {
  const answer = await page.request.post(`${server.url}/api/v1/session`, { data: { email, password: PASSWORD } })
  expect(answer.status()).toBe(201)
}

async function expectMember(server, email, role) {
  const { status, body } = await server.signIn(email, PASSWORD)
  expect([status, body.memberships]).toMatchObject([201, [{ organization_slug: 'acme', role }]])
  return body.user
}

test.describe('somebody new', () => {
  test.use({ refusals: [`422 ${ACCEPT}`, `422 ${ACCEPT}`] })

  test('makes an account and joins', async ({ page, server, invite }) => {
    const email = somebody()
    const { link, secret } = await invite.to(email, 'admin')
    await page.goto(link)
    await expect(heading(page, 'You are invited')).toBeVisible()
    expect(page.url()).toBe(`${server.url}/invitations`)
    await expectAccessible(page)
    await button(page, 'Accept').click()

    await expect(heading(page, 'Make your account')).toBeFocused()
    await expectAccessible(page)
    await field(page, 'Your name').fill('Bob')
    await field(page, 'Password').fill('too short')
    await button(page, 'Make the account').click()
    await expect(alert(page)).toHaveText('Password must have 12 to 256 characters.')
    await expectAccessible(page)
    await field(page, 'Password').fill(PASSWORD)
    await button(page, 'Make the account').click()

    await expect(heading(page, 'You have joined Acme')).toBeFocused()
    await expect(page.getByText('You are an admin there.')).toBeVisible()
    await expect(alert(page)).toBeEmpty()
    await expectAccessible(page)
    expect((await expectMember(server, email, 'admin')).name).toBe('Bob')
    const sent = server.front.requests.filter(({ body }) => body.includes(secret))
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual(
      Array(3).fill(`POST ${new URL(`${server.url}${ACCEPT}`).pathname}`),
    )
  })
})

test.describe('with the keyboard alone', () => {
  test.use({ refusals: [`422 ${ACCEPT}`] })

  test('all can be done', async ({ page, server, invite }) => {
    const email = somebody()
    await page.goto((await invite.to(email)).link)
    await expect(heading(page, 'You are invited')).toBeFocused()
    const { keyboard } = page
    await keyboard.press('Tab')
    await keyboard.press('Enter')
    await expect(heading(page, 'Make your account')).toBeFocused()
    await keyboard.press('Tab')
    await keyboard.press('Tab')
    await keyboard.type(PASSWORD)
    const password = field(page, 'Password')
    await expect(password).toHaveAttribute('type', 'password')
    await keyboard.press('Tab')
    await keyboard.press('Space')
    await expect(password).toHaveAttribute('type', 'text')
    await keyboard.press('Tab')
    await expect(button(page, 'Make the account')).toBeFocused()
    await keyboard.press('Enter')
    await expect(heading(page, 'You have joined Acme')).toBeFocused()
    await expectMember(server, email, 'member')
  })
})

test.describe('somebody with an account', () => {
  test.use({ refusals: [`409 ${ACCEPT}`, '401 /api/v1/session'] })

  test('signs in and joins', async ({ page, server, invite }) => {
    const email = await known(server, invite)
    await page.goto((await invite.to(email)).link)
    await button(page, 'Accept').click()
    await expect(heading(page, 'Sign in')).toBeFocused()
    await expectAccessible(page)
    await field(page, 'E-mail address').fill(email)
    await field(page, 'Password').fill('not the password')
    await button(page, 'Sign in').click()
    await expect(alert(page)).toHaveText('E-mail address and password do not belong to an account.')
    await field(page, 'Password').fill(PASSWORD)
    await button(page, 'Sign in').click()
    await expect(heading(page, 'You have joined Acme')).toBeFocused()
    await expectMember(server, email, 'member')
  })
})

test('whoever is signed in joins with one click', async ({ page, server, invite }) => {
  const email = await known(server, invite)
  await signInAs(page, server, email)
  await page.goto((await invite.to(email, 'owner')).link)
  await button(page, 'Accept').click()
  await expect(heading(page, 'You have joined Acme')).toBeFocused()
  await expectMember(server, email, 'owner')
})

test.describe('somebody else who is signed in', () => {
  test.use({ refusals: [`409 ${ACCEPT}`, `409 ${ACCEPT}`] })

  test('is told with which account', async ({ page, server, invite }) => {
    const [email, other] = [await known(server, invite), await known(server, invite)]
    await signInAs(page, server, other)
    await page.goto((await invite.to(email)).link)
    await button(page, 'Accept').click()
    await expect(heading(page, 'Sign in')).toBeFocused()
    await field(page, 'E-mail address').fill(other)
    await field(page, 'Password').fill(PASSWORD)
    await button(page, 'Sign in').click()
    await expect(alert(page)).toContainText('Whoever has the invited address has an account here; sign in with it')
    await field(page, 'E-mail address').fill(email)
    await button(page, 'Sign in').click()
    await expect(heading(page, 'You have joined Acme')).toBeFocused()
    await expectMember(server, email, 'member')
  })
})

test.describe('a member', () => {
  test.use({ refusals: [`409 ${ACCEPT}`] })

  test('is told so', async ({ page, server, invite }) => {
    const email = await known(server, invite)
    const links = [await invite.to(email), await invite.to(email)]
    await signInAs(page, server, email)
    await page.goto(links[0].link)
    await button(page, 'Accept').click()
    await expect(heading(page, 'You have joined Acme')).toBeVisible()
    await page.goto(links[1].link)
    await button(page, 'Accept').click()
    await expect(alert(page)).toHaveText('You are a member already.')
    await expect(page.getByRole('button')).toHaveCount(0)
  })
})

const DEAD = {
  garbage: ({ link }) => `${link}0`,
  used: async ({ link, secret }, server) => {
    const { status } = await server.call('POST', ACCEPT, { token: secret, password: PASSWORD })
    expect(status).toBe(200)
    return link
  },
  'taken back': async ({ id, link }, _, invite) => {
    await invite.withdraw(id)
    return link
  },
  'too old': ({ id, link }, server) => {
    server.execute(`UPDATE invitations SET expires_at = '2026-01-01 00:00:00' WHERE id = '${id}'`)
    return link
  },
}

for (const [name, dead] of Object.entries(DEAD)) {
  test.describe(`a link that is ${name}`, () => {
    test.use({ refusals: [`404 ${ACCEPT}`] })

    test('says so', async ({ page, server, invite }) => {
      await page.goto(await dead(await invite.to(somebody()), server, invite))
      await button(page, 'Accept').click()
      await expect(alert(page)).toContainText('This invitation cannot be accepted')
      await expect(page.getByRole('button')).toHaveCount(0)
      await expectAccessible(page)
    })
  })
}

test.describe('what the address had', () => {
  test.use({ refusals: [`422 ${ACCEPT}`] })

  test('is not where going back leads, nor known after a reload', async ({ page, server, invite }) => {
    const [first, second] = [await invite.to(somebody()), await invite.to(somebody())]
    await page.goto(`${server.url}/`)
    await page.goto(first.link)
    await expect(heading(page, 'You are invited')).toBeVisible()
    // In the same tab, so that nothing is loaded anew.
    await page.goto(second.link)
    await button(page, 'Accept').click()
    await expect(heading(page, 'Make your account')).toBeVisible()
    const sent = server.front.requests.map(({ body }) => body)
    expect([first, second].map(({ secret }) => sent.some((body) => body.includes(secret)))).toEqual([false, true])

    await page.reload()
    await expect(heading(page, 'There is no invitation here')).toBeVisible()
    await expectAccessible(page)
    await page.goBack()
    expect(page.url()).toBe(`${server.url}/invitations`)
    await page.goBack()
    expect(page.url()).toBe(`${server.url}/`)
    await page.goForward()
    expect(page.url()).toBe(`${server.url}/invitations`)
  })
})

test.describe('another link in the same tab', () => {
  test.use({ refusals: [`422 ${ACCEPT}`, `422 ${ACCEPT}`] })

  test('finds nothing of what was typed for the first', async ({ page, invite }) => {
    const [first, second] = [await invite.to(somebody()), await invite.to(somebody())]
    await page.goto(first.link)
    await button(page, 'Accept').click()
    await page.getByLabel('Show the password').check()
    await field(page, 'Password').fill('a password for the first')
    await page.goto(second.link)
    await button(page, 'Accept').click()
    await expect(field(page, 'Password')).toHaveValue('')
    await expect(field(page, 'Password')).toHaveAttribute('type', 'password')
  })

  test('is not meant by the answer to the first', async ({ page, invite }) => {
    const [first, second] = [await invite.to(somebody()), await invite.to(somebody())]
    let open
    const isSecondOpen = new Promise((resolve) => { open = resolve })
    await page.route(`**${ACCEPT}`, async (route) => {
      await isSecondOpen
      await route.continue()
    }, { times: 1 })
    await page.goto(first.link)
    await button(page, 'Accept').click()
    await page.goto(second.link)
    open()
    await expect(page.locator('[aria-busy]')).toHaveCount(0)
    await expect(heading(page, 'You are invited')).toBeVisible()
    await button(page, 'Accept').click()
    await expect(heading(page, 'Make your account')).toBeVisible()
  })
})

test.describe('a server that is out of reach', () => {
  test.use({ refusals: ['Failed to load resource: net::ERR_EMPTY_RESPONSE', `422 ${ACCEPT}`] })

  test('is told of, and can be asked again', async ({ page, server, invite }) => {
    await page.goto((await invite.to(somebody())).link)
    server.front.isCut = true
    await button(page, 'Accept').click()
    await expect(alert(page)).toHaveText('The server cannot do this now. Try again in a moment.')
    server.front.isCut = false
    await button(page, 'Accept').click()
    await expect(heading(page, 'Make your account')).toBeVisible()
    await expect(alert(page)).toBeEmpty()
  })
})

test.describe('a narrow window', () => {
  test.use({ viewport: { width: 320, height: 480 }, refusals: [`409 ${ACCEPT}`, `422 ${ACCEPT}`] })

  test('has all of it', async ({ page, server, invite }) => {
    for (const email of [await known(server, invite), somebody()]) {
      await page.goto((await invite.to(email)).link)
      await expectNarrow(page)
      await button(page, 'Accept').click()
      await expect(field(page, 'Password')).toBeVisible()
      await expectNarrow(page)
    }
  })
})

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false })

  test('it says what it needs', async ({ page, server }) => {
    await page.goto(`${server.url}/invitations`)
    await expect(page.locator('noscript p')).toBeVisible()
    await expect(page.getByRole('button')).toHaveCount(0)
  })
})
