import type { SessionStore } from '../../index.js'
import { findKeys } from '../find-key.js'
import { exitCodeOf } from '../signals.js'
import { type Answer, canAsk, confirm } from '../terminal/confirm.js'
import { escapeLine } from '../terminal/escape.js'
import { count } from '../terminal/format.js'
import { complain, print } from '../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../with-store.js'

export interface RmOptions extends GlobalOptions {
  yes?: boolean
}

export async function rm(given: readonly string[], { root, yes }: RmOptions): Promise<number> {
  if (!yes && !canAsk()) {
    complain('rm deletes for good: without a terminal to ask on it needs --yes')
    return 2
  }
  return withExistingStore(root, async (store) => {
    const { keys, missing } = yes ? await wholeKeys(store, given) : await findKeys(store, given)
    let left = missing
    for (const key of keys) {
      const answer = yes ? 'yes' : await ask(store, key)
      if (answer === 'stop') return exitCodeOf('SIGINT')
      if (answer === 'no') continue
      if (await store.session(key).delete()) await print(`deleted ${escapeLine(key)}`)
      else left++
    }
    return left > 0 ? 1 : 0
  })
}

/** Without a question only whole keys count: a script that deletes `user1` twice must not hit `user10`. */
async function wholeKeys(store: SessionStore, given: readonly string[]) {
  const keys = new Set<string>()
  let missing = 0
  for (const key of given) {
    if ((await store.session(key).info()) !== null) keys.add(key)
    else {
      missing++
      complain(`no session ${escapeLine(key)} (with --yes a key is given whole)`)
    }
  }
  return { keys: [...keys], missing }
}

async function ask(store: SessionStore, key: string): Promise<Answer> {
  const info = await store.session(key).info()
  if (info === null) return 'yes'
  const name = info.name === null ? '' : ` ${escapeLine(info.name)},`
  const running = info.state === 'running' ? ', a turn is running' : ''
  const facts = `${name} ${count(info.messages, 'message')}${running}`.trim()
  return confirm(`Delete ${escapeLine(key)} (${facts}) for good?`)
}
