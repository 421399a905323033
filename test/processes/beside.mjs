// Works beside writers on a store until it is killed or gets an end message: beside.mjs FOLDER LOG ROLE KEYS SEED
// LOG gets `{"at":MS,"key":KEY,"texts":[…]}` before archived messages are purged and `{"purged":N}` after it, and
// `{"op":NAME}` for all else that was done.
import fs from 'node:fs'
import { openStore } from '../../dist/lib/index.js'
import { JsonlPersistence } from '../../dist/lib/persistence.js'
import { plainLog } from '../helpers/plain-log.mjs'

const [folder, file, role, keyList, seed] = process.argv.slice(2)
const log = fs.openSync(file, 'a')
const keys = JSON.parse(keyList)
const store = await openStore(folder, { lockTimeout: 120_000 })
const persistence = new JsonlPersistence(store)
let state = (Number(seed) * 7919 + process.pid) % 2147483648
let running = true
process.on('message', () => {
  running = false
})

function random(n) {
  state = (state * 1103515245 + 12345) % 2147483648
  return Math.floor((state / 2147483648) * n)
}

function tell(entry) {
  fs.writeSync(log, `${JSON.stringify(entry)}\n`)
}

/** True for what may happen while sessions come and go. */
function isExpected(error) {
  return error.code === 'ERR_SESSION_NOT_FOUND'
}

function expectOrder(texts) {
  const last = new Map()
  for (const text of texts) {
    const [writer, number] = text.split('-')
    if (!writer.startsWith('w')) continue
    if (Number(number) <= (last.get(writer) ?? -1)) throw new Error(`${text} stands behind ${last.get(writer)}`)
    last.set(writer, Number(number))
  }
}

/** None where a cleanup takes the session away. */
function archivedIn(key) {
  try {
    return plainLog(store.session(key).path).archived
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return []
  }
}

/** Archives and purges the older messages of one session. */
async function purge() {
  const key = keys[random(keys.length)]
  await persistence.compactSession(key, 'what was said', random(30))
  const texts = archivedIn(key)
  if (texts.length > 0) tell({ at: Date.now(), key, texts })
  const purged = await persistence.purgeCompacted(0)
  if (texts.length > 0) tell({ purged })
}

const LABELS = {
  name: (session) => session.setName(`name ${random(1000)}`),
  tag: (session) => session.tag([`tag ${random(5)}`]),
  untag: (session) => session.untag([`tag ${random(5)}`]),
  metadata: (session) => session.setMetadata('todo', `${random(1000)}`),
  running: (session) => session.setState('running', 'turn'),
  idle: (session) => session.setState('idle'),
}

const OTHERS = {
  rewrite: (session) => session.rewrite(),
  async remove(session) {
    await session.remove(await session.append({ role: 'user', content: 'extra' }))
  },
  async read(session) {
    expectOrder((await session.messages()).map(({ content }) => String(content).split(' ')[0]))
  },
  async fork(session) {
    const copy = await store.fork(session.key, { as: `fork ${process.pid}-${random(1e9)}` })
    expectOrder((await copy.messages()).map(({ content }) => String(content).split(' ')[0]))
    await copy.delete()
  },
  async list() {
    const rows = await store.list()
    for (const { messages } of rows) if (!(messages >= 0)) throw new Error(`${messages} messages`)
  },
  /** Takes the few that were idle for longest, if they were not used for a while. */
  async cleanup() {
    const { failed } = await store.cleanup({ maxSessions: Math.max(0, keys.length - 3), minAge: 30 })
    if (failed.length > 0) throw failed[0].error
  },
}

// the process before this one may have been killed between an archiving and its announcement
if (role === 'purge') {
  for (const key of keys) {
    const texts = archivedIn(key)
    if (texts.length > 0) tell({ at: Date.now(), key, texts })
  }
}

while (running) {
  const acts = role === 'labels' ? LABELS : OTHERS
  const names = Object.keys(acts)
  const op = role === 'purge' ? 'purge' : names[random(names.length)]
  try {
    if (op === 'purge') await purge()
    else {
      await acts[op](store.session(keys[random(keys.length)]))
      tell({ op })
    }
  } catch (error) {
    if (!isExpected(error)) throw error
  }
  await new Promise((resolve) => setTimeout(resolve, 10))
}
await store.close()
process.exit(0)
