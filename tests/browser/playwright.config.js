import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: '.',
  outputDir: process.env.PATMINT_TEST_OUTPUT,
  forbidOnly: true,
  reporter: 'list',
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 20_000 },
  use: {
    launchOptions: { executablePath: process.env.PATMINT_TEST_BROWSER },
    screenshot: 'only-on-failure',
  },
  // As an issuer on a host of its own; and people join below a path of one that has other things too.
  projects: [{ name: 'host' }, { name: 'path', grep: /joins/, use: { path: '/sts' } }],
})
