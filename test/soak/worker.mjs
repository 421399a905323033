// Works on a store with all contracts until told to stop: worker.mjs FOLDER SEED. Tells how it is when asked.
import fs from 'node:fs'
import { JsonlPersistence } from '../../dist/src/contracts/persistence.js'
import { JsonlSessionBackend } from '../../dist/src/contracts/session-backend.js'
import { JsonlSessionManager } from '../../dist/src/contracts/session-manager.js'
import { openStore } from '../../dist/src/index.js'

const [folder, seed] = process.argv.slice(2)
/** What other processes may have done to a session meanwhile. */
const EXPECTED = new Set(['ERR_SESSION_NOT_FOUND', 'ERR_SESSION_EXISTS', 'ERR_TURN_MISMATCH'])
const failures = []
process.on('unhandledRejection', (error) => failures.push(`unhandled rejection: ${error?.stack}`))

const options = { lockTimeout: 60_000, onError: (error, key) => failures.push(`${key}: ${error?.stack}`) }
let store
let backend
let persistence
let manager
async function open() {
  store = await openStore(folder, options)
  backend = new JsonlSessionBackend(store)
  persistence = new JsonlPersistence(store)
  manager = new JsonlSessionManager(store)
}
await open()

let state = Number(seed) * 7919 + 1
function random(n) {
  state = (state * 1103515245 + 12345) % 2147483648
  return Math.floor((state / 2147483648) * n)
}
const message = () => ({ role: 'user', content: `text ${random(1e6)} ${'x'.repeat([10, 200, 4_000][random(3)])}` })
const key = () => `shared-${random(12)}`
const own = `own-${seed}`
/** Messages that the session of this process alone must have. */
let kept = 0
let agent = await persistence.createSession('coder', '/project')

const WORK = [
  [30, async () => backend.append(key(), message())],
  [
    20,
    async () => {
      await backend.append(own, message())
      kept++
    },
  ],
  [
    4,
    async () => {
      if (await backend.removeLast(own)) kept--
    },
  ],
  [4, async () => store.session(key()).rewrite()],
  [4, async () => backend.setSessionState(key(), ['running', 'idle', 'error'][random(3)], null)],
  [3, async () => backend.setSessionName(key(), `name ${random(100)}`)],
  [3, async () => store.session(key()).messages()],
  [3, async () => store.session(key()).tail(5)],
  [2, async () => store.list()],
  [1, async () => store.search('text 1')],
  [6, async () => persistence.insertMessage(agent, { ...message(), usage: { promptTokens: 3, completionTokens: 1 } })],
  [2, async () => persistence.loadContext(agent)],
  [1, async () => persistence.compactSession(agent, 'so far', 2)],
  [1, async () => persistence.purgeCompacted(0)],
  [
    1,
    async () => {
      await persistence.deleteSession(agent)
      agent = await persistence.createSession('coder', '/project')
    },
  ],
  [
    2,
    async () => {
      const metadata = { id: `trip-${seed}`, name: 't', tags: [], agentName: '', createdAt: 0, updatedAt: 0 }
      const messages = Array.from({ length: random(6) }, message)
      await manager.save({
        metadata: { ...metadata, turnCount: 1, totalTokens: 2 },
        messages,
        state: { random: random(9) },
      })
      const { id } = await manager.fork(metadata.id)
      await manager.tag(id, ['x'])
      await manager.rewind(id, 0)
      await manager.delete(id)
    },
  ],
  [1, async () => store.session(key()).delete()],
  [
    1,
    async () => {
      // old sessions only: nobody's but those that rest for 3 seconds
      await store.cleanup({ olderThan: 3_000 })
      const [entry] = await store.trash()
      if (entry !== undefined) await store.restore(entry.id)
    },
  ],
  [
    1,
    async () => {
      await store.close()
      await open()
    },
  ],
]
const total = WORK.reduce((sum, [weight]) => sum + weight, 0)

function choose(dice) {
  let left = dice
  for (const [weight, work] of WORK) {
    if (left < weight) return work
    left -= weight
  }
}

let operations = 0
let running = true
let asked = false

async function check() {
  const found = (await store.session(own).messages()).length
  // cleanup of another process may have put it into the trash in a quiet moment
  if (found !== kept) {
    const info = await store.session(own).info()
    if (info === null) kept = 0
    else if (found !== kept) failures.push(`${own}: ${found} messages instead of ${kept}`)
  }
}

process.on('message', (what) => {
  if (what === 'stop') running = false
  else asked = true
})

async function tell() {
  await check()
  global.gc()
  const { heapUsed, rss } = process.memoryUsage()
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const descriptors = fs.readdirSync('/proc/self/fd').length
  process.send({ operations, heapUsed, rss, timers, descriptors, failures: failures.splice(0) })
}

while (running) {
  const work = choose(random(total))
  try {
    await work()
  } catch (error) {
    if (!EXPECTED.has(error.code)) failures.push(error?.stack ?? String(error))
  }
  operations++
  if (asked) {
    asked = false
    await tell()
  }
}
await store.close()
process.exit(0)
