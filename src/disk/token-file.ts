/** Locks that programs hold by name and for a time, each a small file, which is read and replaced under a lease. */
import path from 'node:path'
import { isObject, type Json } from '../base/json.js'
import { replaceSmall } from './atomic-replace.js'
import { readSmall, removeFile } from './files.js'
import { ensureFolder } from './folders.js'
import { isOwner, livenessOf, thisProcess } from './process-identity.js'

export interface Token {
  threadId: string
  token: string
  /** Unix milliseconds. */
  expiresAt: number
}

/** The token in a file; undefined where there is none that can be read, or its process on this host is dead. */
export function readToken(file: string): Token | undefined {
  const content = readSmall(file)
  if (content === undefined) return undefined
  let value: Json
  try {
    value = JSON.parse(content.bytes.toString())
  } catch {
    return undefined
  }
  if (!isObject(value) || typeof value.token !== 'string' || typeof value.expiresAt !== 'number') return undefined
  if (isOwner(value) && livenessOf(value) === 'dead') return undefined
  return { threadId: String(value.threadId), token: value.token, expiresAt: value.expiresAt }
}

/** Says also which process holds it. */
export function writeToken(file: string, token: Token): void {
  ensureFolder(path.dirname(file))
  replaceSmall(file, Buffer.from(`${JSON.stringify({ ...token, ...thisProcess() })}\n`))
}

export function removeToken(file: string): void {
  removeFile(file)
}
