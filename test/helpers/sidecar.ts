/** Sidecars that are changed by hand, with and without a checksum that says so. */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import type { JsonObject } from '../../src/base/json.js'

const CACHE = /\n {2}"cache": (\{.*),"checksum":"[0-9a-f]{16}"\}\n\}\n$/s

/** Changes the cache and gives it the checksum that it should have then. */
export function changeCache(file: string, change: (cache: JsonObject) => JsonObject): void {
  const { head, cache } = partsOf(fs.readFileSync(file, 'utf8'))
  const body = JSON.stringify(change(JSON.parse(`${cache}}`))).slice(0, -1)
  fs.writeFileSync(file, withCache(head, body, createHash('sha256').update(body).digest('hex').slice(0, 16)))
}

/** What stands before the cache, and the cache without its checksum and the brace at its end. */
function partsOf(text: string): { head: string; cache: string } {
  const found = CACHE.exec(text)
  if (found === null) throw new Error(`no sidecar with a cache: ${text}`)
  return { head: text.slice(0, found.index), cache: found[1] as string }
}

export function withCache(head: string, cache: string, checksum: string): string {
  return `${head}\n  "cache": ${cache},"checksum":"${checksum}"}\n}\n`
}
