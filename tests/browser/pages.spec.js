// The pages that only tell.

import { expect, expectAccessible, expectNarrow, test } from './support/test.js'

test('the first page', async ({ page, server }) => {
  await page.goto(`${server.url}/`)
  await expect(page.getByRole('heading', { name: 'patmint' })).toBeVisible()
  await expect(page.getByRole('heading', { name: 'patmint' })).toHaveCSS('font-size', '25.6px')
  await expectAccessible(page)
})

test('the documentation has every operation', async ({ page, server }) => {
  const { body } = await server.call('GET', '/openapi.json')
  const told = Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, summary }]) => ({ path, method, operationId, summary })),
  )
  await page.goto(`${server.url}/docs`)
  const shown = await page.locator('section h3:has(.method)').allInnerTexts()
  expect(shown.sort()).toEqual(told.map(({ path, method }) => `${method.toUpperCase()} ${path}`).sort())

  const one = told.find(({ operationId }) => operationId === 'accept_invitation')
  await page.getByRole('navigation').getByRole('link', { name: one.summary }).click()
  await expect(page.getByRole('heading', { name: `POST ${one.path}` })).toBeInViewport()
})

test.describe('a narrow window', () => {
  test.use({ viewport: { width: 320, height: 480 } })

  for (const path of ['/', '/docs']) {
    test(`has all of ${path}`, async ({ page, server }) => {
      await page.goto(`${server.url}${path}`)
      await expectNarrow(page)
    })
  }
})
