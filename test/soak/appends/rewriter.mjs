// Rewrites, purges, forks, labels, states and cleanups until it gets a message: rewriter.mjs FOLDER WITNESS NAME SESSIONS
// Now and then it ends, or stops itself, before one of its file calls: between any two steps of whatever it does then.
import './steps.mjs'
import { setImmediate } from 'node:timers/promises'
import { openStore } from '../../../dist/lib/index.js'
import { JsonlPersistence } from '../../../dist/lib/persistence.js'
import { armStep } from './steps.mjs'
import { keyOf, Witness } from './witness.mjs'

const [folder, witnesses, name, sessions] = process.argv.slice(2)
const DAY = 86_400_000
/** So many messages of a session stay. */
const KEEP = 300
/** Of so many pieces of work one is not finished. */
const CUT_EACH = 6

const failures = []
const store = await openStore(folder, {
  lockTimeout: 60_000,
  onError: (error, key) => failures.push(`in the background, ${key}: ${error.stack}`),
})
const persistence = new JsonlPersistence(store)
const witness = new Witness(witnesses, `${name}.floors`)
const done = {}
let isRunning = true
process.on('message', () => {
  isRunning = false
})

/** The messages in front of the last ones, once it is noted that they may be gone. */
async function oldest(number, key) {
  const messages = await store.session(key).messages()
  const first = messages.slice(0, Math.max(0, messages.length - KEEP))
  const floors = {}
  for (const { w, n } of first) if (w !== undefined) floors[w] = Math.max(floors[w] ?? 0, n)
  if (first.length > 0) witness.mayGo(number, floors)
  return first
}

const work = {
  async remove(number, key) {
    const first = await oldest(number, key)
    if (first.length > 0) await store.session(key).remove(first.map(({ id }) => id))
    await store.session(key).rewrite()
  },
  async compact(number, key) {
    const last = (await oldest(number, key)).at(-1)
    if (last === undefined) return
    await persistence.compactSession(key, 'what was said before', { through: last.id })
    await persistence.purgeCompacted(0)
  },
  async rewrite(_, key) {
    await store.session(key).setValue('seen', Math.random())
    await store.session(key).rewrite()
  },
  async fork(_, key) {
    if (!(await store.session(key).exists())) return
    const copy = await store.fork(key, { last: 20 })
    await copy.append({ role: 'user', content: 'of the copy' })
    await copy.delete()
  },
  async labels(_, key) {
    await store.session(key).setName(`name ${Math.random()}`)
    await store.session(key).tag(['a'])
    await store.session(key).untag(['a'])
  },
  async states(_, key) {
    const session = store.session(key)
    await session.setState('running', name)
    await session.setState('idle')
  },
  async cleanup() {
    await store.cleanup({ olderThan: 50 * DAY })
  },
}
const EACH = ['remove', 'remove', 'remove', 'compact', 'rewrite', 'fork', 'labels', 'states', 'cleanup']

const telling = setInterval(() => {
  process.send({ done: { ...done }, failures: failures.splice(0) })
  for (const what of Object.keys(done)) delete done[what]
}, 500)
while (isRunning) {
  const what = EACH[Math.floor(Math.random() * EACH.length)]
  const number = Math.random() < 0.5 ? 0 : 1 + Math.floor(Math.random() * Number(sessions))
  if (Math.random() * CUT_EACH < 1) armStep()
  try {
    await work[what](number, keyOf(number))
  } catch (error) {
    // another rewriter has removed what was to be compacted, runs the turn that was to end, or holds the session
    if (!['ERR_MESSAGE_NOT_FOUND', 'ERR_TURN_MISMATCH', 'ERR_SESSION_NOT_FOUND', 'ERR_LOCKED'].includes(error.code))
      failures.push(`${what}: ${error.stack}`)
  }
  done[what] = (done[what] ?? 0) + 1
  await setImmediate()
}
clearInterval(telling)
await store.close()
process.send({ done, failures }, () => process.disconnect())
