// npm's jose, with nothing but the published keys, tells a good access token from a bad one.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const url = process.env.PATMINT_URL
const account = JSON.parse(process.env.PATMINT_ACCOUNT)
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', url))
const expected = { issuer: url, audience: url, typ: 'at+jwt' }
let access

before(async () => {
  const answer = await fetch(`${url}/api/token/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refresh: account.token }),
  })
  assert.equal(answer.status, 200)
  access = (await answer.json()).access
})

test('a good access token passes', async () => {
  const { payload, protectedHeader } = await jwtVerify(access, keys, expected)

  assert.equal(protectedHeader.alg, 'ES256')
  assert.equal(payload.sub, account.user_id)
  assert.equal(payload.org, account.organization_id)
})

test('one for another audience fails', async () => {
  await assert.rejects(jwtVerify(access, keys, { ...expected, audience: 'https://other.example' }), {
    code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
    claim: 'aud',
  })
})

test('one with a changed signature fails', async () => {
  const [header, payload, signature] = access.split('.')
  const changed = (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)

  await assert.rejects(jwtVerify(`${header}.${payload}.${changed}`, keys, expected), {
    code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  })
})

test('a long-lived credential is no access token', async () => {
  await assert.rejects(jwtVerify(account.refresh_jwt, keys, expected))
})
