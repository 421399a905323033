// What a user without special rights gets from a store of which one file or folder is not as it should be:
// bad-names.mjs FOLDER UID SHARE COMMANDS
// Every kind of name x every way to be bad x every verb. Sends the list of what must not be, and how many calls there were.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

const [top, uid, share, withCommands] = process.argv.slice(2)
if (process.getuid() === 0) {
  process.setgroups([])
  process.setgid(Number(uid))
  process.setuid(Number(uid))
}
const { openStore } = await import('../../dist/lib/index.js')
const { JsonlPersistence } = await import('../../dist/lib/persistence.js')
const { JsonlSessionManager } = await import('../../dist/lib/session-manager.js')
const { JsonlRuntimePersistence } = await import('../../dist/lib/runtime-persistence.js')
const MAIN = path.resolve(import.meta.dirname, '../../dist/lib/cli/main.js')

const ID = '019aa1b2-c000-7000-8000-000000000001'
const NONCE = '0123456789abcdef'

/** Names in the folder, and the verbs that depend on each: of session `a`, of all sessions, and none. */
const NAMES = {
  'a.jsonl': 'log',
  'a.meta.json': 'hint',
  'a.blobs': 'blobs',
  '.a.0123456789abcdef.tmp': 'hint',
  'a.meta.json.123456': 'hint',
  'stranger.jsonl': 'hint',
  'x.sync-conflict-20261125-101010-ABCDEFG.jsonl': 'hint',
  '.quarantine': 'quarantine',
  '.quarantine/a': 'quarantine of a',
  '.quarantine/a/7-0123456789abcdef.bin': 'hint',
  '.trash': 'trash',
  [`.trash/t~${ID}`]: 'hint',
  [`.trash/t~${ID}/t.jsonl`]: 'hint',
  '.trash/stray': 'hint',
  '.running': 'runs',
  [`.running/elsewhere-77-${NONCE}.jsonl`]: 'run log of another host',
  '.running/.clock': 'hint',
  '.locks': 'locks',
  '.locks/.waiting': 'locks',
  '.locks/a': 'lock of a',
  '.index': 'hint',
  '.index/list-2': 'hint',
  '.index/search-1': 'hint',
  '.import': 'hint',
}

const KINDS = {
  'mode 000': (place) => {
    if (!fs.existsSync(place)) fs.writeFileSync(place, '')
    fs.chmodSync(place, 0)
  },
  'a folder': (place) =>
    replace(place, () => {
      fs.mkdirSync(place)
      fs.writeFileSync(path.join(place, 'inside'), 'kept')
    }),
  'a file': (place) => replace(place, () => fs.writeFileSync(place, 'words\n')),
  'an empty file': (place) => replace(place, () => fs.writeFileSync(place, '')),
  garbage: (place) => replace(place, () => fs.writeFileSync(place, Buffer.from([0xff, 0, 0x0a, 0x7b, 0xfe, 0x0a]))),
  'a large file': (place) =>
    replace(place, () => {
      fs.writeFileSync(place, '{"role":"user","content":"large"}\n')
      fs.truncateSync(place, 100 * 1024 * 1024)
    }),
  'a FIFO': (place) => replace(place, () => execFileSync('mkfifo', [place])),
  'a link to a file': (place) => replace(place, () => fs.symlinkSync(path.join(top, 'outside.jsonl'), place)),
  'a link to a folder': (place) => replace(place, () => fs.symlinkSync(path.join(top, 'outside'), place)),
  'a dangling link': (place) => replace(place, () => fs.symlinkSync('/nowhere/at/all', place)),
}

function replace(place, make) {
  fs.rmSync(place, { recursive: true, force: true })
  make()
}

const message = (content) => ({ role: 'user', content })

/** What depends on the log of one session. */
const OF_SESSION = {
  messages: (s) => s.session.messages(),
  tail: (s) => s.session.tail(1),
  stream: async (s) => {
    for await (const _ of s.session.stream());
  },
  context: (s) => s.session.context(),
  info: (s) => s.session.info(),
  name: (s) => s.session.name(),
  tags: (s) => s.session.tags(),
  state: (s) => s.session.state(),
  waiting: (s) => s.session.waiting(),
  removed: (s) => s.session.removed(),
  check: (s) => s.session.check(),
  loadContext: (s) => new JsonlPersistence(s.store).loadContext(s.key),
  usage: (s) => new JsonlPersistence(s.store).sessionTokenUsage(s.key),
  resume: (s) => new JsonlSessionManager(s.store).resume(s.key),
  loadSession: (s) => new JsonlRuntimePersistence(s.store, s.key).loadSession({ kind: 'fullGraph' }),
  append: (s) => s.session.append(message('new')),
  receive: (s) => s.session.receive(message('came'), { ref: `r${Math.random()}` }),
  setName: (s) => s.session.setName('n'),
  remove: (s) => s.session.remove('nothing'),
  removeLast: (s) => s.session.removeLast(),
  setState: (s) => s.session.setState('running', 't'),
  turn: (s) => s.session.setState('idle', 't').then(() => s.session.turn(async () => 1)),
  rewrite: (s) => s.session.rewrite(),
  fork: (s) => s.store.fork(s.key, { as: `copy-of-${s.key}` }),
  gc: (s) => new JsonlRuntimePersistence(s.store, s.key).gcUnreachable(),
  delete: (s) => s.session.delete(),
}

/** What concerns the store: one bad thing in it stops none of these. */
const OF_STORE = {
  keys: (store) => store.keys(),
  list: (store) => store.list(),
  search: (store) => store.search('two large'),
  running: (store) => store.running(),
  recover: (store) => store.recover({ action: 'idle' }),
  cleanup: (store) => store.cleanup({ olderThan: 3_600_000, maxBytes: 1e12 }),
  trash: (store) => store.trash(),
  purgeTrash: (store) => store.purgeTrash({ olderThan: 3_600_000 }),
  sessions: (store) => new JsonlPersistence(store).listSessions(9, '/'),
  saved: (store) => new JsonlSessionManager(store).list(),
  recent: (store) => new JsonlPersistence(store).recentUserMessages(9),
  stats: (store) => new JsonlPersistence(store).compactedStats(),
}

const COMMANDS = [
  ['list'],
  ['search', 'two'],
  ['show', 'b'],
  ['check'],
  ['usage'],
  ['running'],
  ['trash', 'list'],
  ['compact', '--all'],
]

const WRITES = [
  'append',
  'receive',
  'setName',
  'setState',
  'turn',
  'rewrite',
  'fork',
  'gc',
  'delete',
  'remove',
  'removeLast',
]
const RUNS = ['setState', 'turn']

/** The verbs that may reject, on session `a` and on `b`; all others must not. */
function mayReject(what) {
  const all = Object.keys(OF_SESSION)
  if (what === 'log') return { a: all, b: [] }
  if (what === 'blobs') return { a: ['check', 'loadSession', 'gc', 'delete'], b: [] }
  if (what === 'locks') return { a: WRITES, b: WRITES }
  if (what === 'lock of a') return { a: WRITES, b: [] }
  if (what === 'runs') return { a: RUNS, b: RUNS }
  if (what === 'run log of another host') return { a: ['turn'], b: ['turn'] }
  if (what === 'quarantine') return { a: ['rewrite', 'gc', 'delete'], b: ['rewrite', 'delete'] }
  if (what === 'quarantine of a') return { a: ['rewrite', 'gc', 'delete'], b: [] }
  return { a: [], b: [] }
}

/** A store with sessions `a` (with damage), `b`, an encoded key, one in the trash and one that ran. */
async function scene(folder) {
  const store = await openStore(folder)
  for (const key of ['t', 'a', 'b', 'An Encoded Key']) {
    for (const text of ['one', 'two', 'three']) await store.session(key).append(message(text))
    await store.session(key).removeLast()
  }
  await store.session('a').setState('error', 't')
  await store.close()
  fs.appendFileSync(path.join(folder, 'a.jsonl'), 'damage\n')
  const entry = path.join(folder, '.trash', `t~${ID}`)
  fs.mkdirSync(entry, { recursive: true })
  fs.renameSync(path.join(folder, 't.jsonl'), path.join(entry, 't.jsonl'))
  fs.rmSync(path.join(folder, 't.meta.json'), { force: true })
  for (const name of ['.quarantine/a', '.running', '.locks/.waiting', '.locks/a', '.index', '.import', 'a.blobs'])
    fs.mkdirSync(path.join(folder, name), { recursive: true })
  fs.writeFileSync(path.join(folder, '.quarantine/a', `7-${NONCE}.bin`), 'x')
}

fs.writeFileSync(path.join(top, 'outside.jsonl'), '{"role":"user","content":"outside"}\n')
fs.mkdirSync(path.join(top, 'outside'), { recursive: true })
fs.writeFileSync(path.join(top, 'outside', NONCE), 'theirs')
const wrong = []
let calls = 0
let cases = 0

/** An error has a code, and names a file where it is one of the file system. */
function isProper(error) {
  if (typeof error?.code !== 'string') return false
  if (error.code.startsWith('ERR_')) return error.name === 'SessionError'
  return typeof error.path === 'string'
}

async function attempt(place, name, allowed, work) {
  calls++
  const late = Symbol('late')
  try {
    const end = new Promise((resolve) => setTimeout(resolve, 20_000, late).unref())
    const value = await Promise.race([work(), end])
    if (value === late) wrong.push(`${place}: ${name} did not end`)
    return value
  } catch (error) {
    if (!allowed) wrong.push(`${place}: ${name} rejects with ${error.code ?? error}: ${error.message}`)
    else if (!isProper(error)) wrong.push(`${place}: ${name}: improper ${error.stack}`)
    return undefined
  }
}

async function oneCase(name, kind, number) {
  const place = `${name} is ${kind}`
  const folder = path.join(top, `s${number}`)
  await scene(folder)
  fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
  KINDS[kind](path.join(folder, name))
  cases++
  const allowed = mayReject(NAMES[name])
  const errors = []
  const store = await attempt(place, 'open', false, () =>
    openStore(folder, { lockTimeout: 100, onError: (error) => errors.push(error) }),
  )
  if (store === undefined) return
  for (const [verb, call] of Object.entries(OF_STORE)) {
    const isOwn = NAMES[name] === 'trash' && ['trash', 'purgeTrash'].includes(verb)
    await attempt(place, verb, isOwn, () => call(store))
  }
  const keys = (await attempt(place, 'keys', false, () => store.keys())) ?? []
  for (const key of ['b', 'An Encoded Key']) if (!keys.includes(key)) wrong.push(`${place}: keys lack ${key}`)
  const texts = await attempt(place, 'read b', false, () => store.session('b').messages())
  if (texts?.map(({ content }) => content).join() !== 'one,two') wrong.push(`${place}: b is not what it was`)
  if (NAMES[name] === 'log' && !keys.includes('a') && errors.length === 0)
    wrong.push(`${place}: the list does not report it`)
  for (const key of ['a', 'b']) {
    for (const [verb, call] of Object.entries(OF_SESSION)) {
      const s = { store, key, session: store.session(key) }
      await attempt(place, `${verb} of ${key}`, allowed[key].includes(verb), () => call(s))
    }
  }
  await attempt(place, 'close', true, () => store.close())
  if (withCommands === 'yes') commandsOf(place, folder, name, kind)
  if (fs.readFileSync(path.join(top, 'outside.jsonl'), 'utf8') !== '{"role":"user","content":"outside"}\n')
    wrong.push(`${place}: a file outside was changed`)
  if (fs.readdirSync(path.join(top, 'outside')).join() !== NONCE) wrong.push(`${place}: a folder outside was changed`)
  open(folder)
  fs.rmSync(folder, { recursive: true, force: true })
}

/** Commands do not crash, and end. */
function commandsOf(place, folder) {
  for (const command of COMMANDS) {
    calls++
    const { status, stderr } = spawnSync(process.execPath, [MAIN, '--root', folder, ...command], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    // failed, not found, or in use
    if (![0, 1, 3, 4].includes(status)) wrong.push(`${place}: ${command.join(' ')} ends with ${status}: ${stderr}`)
    if (/^ {4}at /m.test(stderr)) wrong.push(`${place}: ${command.join(' ')} crashes: ${stderr}`)
  }
}

/** Lets what has no rights be removed. */
function open(folder) {
  for (const name of Object.keys(NAMES)) {
    try {
      if (!fs.lstatSync(path.join(folder, name)).isSymbolicLink()) fs.chmodSync(path.join(folder, name), 0o700)
    } catch {
      // it is not there
    }
  }
}

let number = 0
for (const name of Object.keys(NAMES)) {
  for (const kind of Object.keys(KINDS)) {
    if (number++ % Number(share) === 0) await oneCase(name, kind, number)
  }
}
process.send({ wrong, calls, cases })
process.disconnect()
