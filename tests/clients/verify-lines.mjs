// Verifies each line of standard input, an access token, by npm's jose, and says at the end what it refused.

import { createInterface } from 'node:readline'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const [url] = process.argv.slice(2)
// jose does not read Cache-Control, so it is told how long patmint lets services keep the keys here: one second.
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', url), { cacheMaxAge: 1000 })
const expected = { issuer: url, audience: url, typ: 'at+jwt' }
let good = 0
const refused = {}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    await jwtVerify(line, keys, expected)
    good += 1
  } catch (error) {
    refused[error] = (refused[error] ?? 0) + 1
  }
}
console.log(JSON.stringify({ good, refused }))
