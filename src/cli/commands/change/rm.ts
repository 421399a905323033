import { isSessionError, type SessionStore } from '../../../index.js'
import { EXIT, exitCodeOfAll } from '../../exit-code.js'
import { findKeys } from '../../find-key.js'
import { exitCodeOf } from '../../signals.js'
import { type Answer, canAsk, confirm } from '../../terminal/confirm.js'
import { escapeLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { complain, describe, PROGRAM, print } from '../../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface RmOptions extends GlobalOptions {
  /** Deletes for good instead of moving to the trash. */
  purge?: boolean
  /** Also a session in which a turn runs. */
  force?: boolean
  yes?: boolean
}

export async function rm(given: readonly string[], options: RmOptions): Promise<number> {
  const { root, purge, yes } = options
  const asks = !yes && canAsk()
  if (purge && !yes && !asks) {
    complain('rm --purge deletes for good: without a terminal to ask on it needs --yes')
    return EXIT.usage
  }
  return withExistingStore(root, async (store) => {
    const { keys, missing } = asks ? await findKeys(store, given) : await wholeKeys(store, given)
    const done = { failed: 0, missing, busy: 0 }
    for (const key of keys) {
      const answer = asks && (purge || !given.includes(key)) ? await ask(store, key, purge === true) : 'yes'
      if (answer === 'stop') return exitCodeOf('SIGINT')
      if (answer === 'no') continue
      try {
        await remove(store, key, options)
      } catch (error) {
        if (isSessionError(error, 'ERR_TURN_RUNNING')) done.busy++
        else done.failed++
        complain(`${escapeLine(key)}: ${describe(error)}`)
      }
    }
    return exitCodeOfAll(done)
  })
}

async function remove(store: SessionStore, key: string, { purge, force = false }: RmOptions): Promise<void> {
  const session = store.session(key)
  if (!purge) {
    const id = await session.trash({ force })
    await print(`${escapeLine(key)}: in the trash, back with: ${PROGRAM} trash restore ${id}`)
    return
  }
  if (!force && (await store.running()).some((running) => running.key === key && running.owner.liveness !== 'dead'))
    throw new Error('a turn is running; --force deletes the session all the same')
  await session.delete()
  await print(`${escapeLine(key)}: deleted`)
}

/** Without a question only whole keys count: a script that removes `user1` twice must not hit `user10`. */
async function wholeKeys(store: SessionStore, given: readonly string[]) {
  const keys = new Set<string>()
  let missing = 0
  for (const key of given) {
    if (await store.session(key).exists()) keys.add(key)
    else {
      missing++
      complain(`no session ${escapeLine(key)} (without a question a key is given whole)`)
    }
  }
  return { keys: [...keys], missing }
}

async function ask(store: SessionStore, key: string, purge: boolean): Promise<Answer> {
  const info = await store.session(key).info()
  if (info === null) return 'yes'
  const name = info.name === null ? '' : ` ${escapeLine(info.name)},`
  const facts = `${name} ${count(info.messages, 'message')}`.trim()
  return confirm(
    purge ? `Delete ${escapeLine(key)} (${facts}) for good?` : `Move ${escapeLine(key)} (${facts}) to the trash?`,
  )
}
