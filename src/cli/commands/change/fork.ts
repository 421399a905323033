import { resolve } from 'node:path'
import { findKey } from '../../find-key.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { print } from '../../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface ForkCommandOptions extends GlobalOptions {
  at?: string
  last?: number
  name?: string
  json?: boolean
}

export async function fork(given: string, { root, json, at, last, name }: ForkCommandOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    const copy = await store.fork(key, {
      ...(at !== undefined && { at }),
      ...(last !== undefined && { last }),
      ...(name !== undefined && { name }),
    })
    const info = await copy.info()
    const messages = info?.messages ?? 0
    if (json) await print(jsonLine({ root: resolve(root), key: copy.key, forkedFrom: key, name: info?.name, messages }))
    else await print(`${escapeLine(key)}: ${count(messages, 'message')} copied to ${escapeLine(copy.key)}`)
    return 0
  })
}
