// What a store with fsync 'always' does to its disk: power-run.mjs FOLDER RECORD
// RECORD gets every change in order, with its data, the syncs, and what was acknowledged when.
import fs from 'node:fs'
import path from 'node:path'

const [folder, record] = process.argv.slice(2)
const steps = []
const files = new Map() // descriptor -> which file or folder it is open on
const ids = new Map() // inode -> which file it is
let numbers = 0
const original = {}

/** Only what is in the store, and no locks: they mean nothing after a power cut. What rewrites leave does. */
const inside = (file) => {
  const relative = path.relative(folder, path.resolve(String(file)))
  return relative === '' ? '.' : /^(\.\.|\.locks\/(?!\.rewrites))/.test(relative) ? undefined : relative
}

function watch(name, note) {
  original[name] = fs[name]
  fs[name] = (...args) => {
    const done = args.at(-1)
    if (typeof done === 'function')
      return original[name](...args.slice(0, -1), (error, ...rest) => {
        if (!error) note(args, rest[0])
        done(error, ...rest)
      })
    const before = note.before?.(args)
    const result = original[name](...args)
    note(args, result, before)
    return result
  }
}

const opening = ([file], fd, existed) => {
  const name = inside(file)
  if (name === undefined) return
  if (original.fstatSync(fd).isDirectory()) files.set(fd, { folder: name })
  else {
    const { ino } = original.fstatSync(fd)
    // a number is given again to a later file
    if (!existed) ids.set(ino, `${ino}#${++numbers}`)
    files.set(fd, { ino: ids.get(ino) })
    if (!existed) steps.push({ do: 'create', name, ino: ids.get(ino) })
  }
}
opening.before = ([file]) => fs.existsSync(file)
original.fstatSync = fs.fstatSync
watch('openSync', opening)
const closing = ([fd]) => files.delete(fd)
watch('closeSync', closing)
const writing = ([fd, bytes, offset, length], count, at) => {
  const file = files.get(fd)
  if (file?.ino === undefined) return
  const data = Buffer.from(bytes.subarray(offset, offset + Math.min(length, count))).toString('base64')
  steps.push({ do: 'write', ino: file.ino, at, data })
}
// sidecars are written from a position, logs at their end: both only ever grow a file here
writing.before = ([fd, , , , position]) => position ?? (files.has(fd) ? original.fstatSync(fd).size : 0)
watch('writeSync', writing)
for (const name of ['fsyncSync', 'fsync', 'fdatasync']) {
  const real = fs[name]
  // what a sync makes safe is what was written before it began
  fs[name] = (fd, done) => {
    const file = files.get(fd)
    const number = ++numbers
    if (file !== undefined) steps.push({ do: 'sync begins', number, ...file })
    if (done === undefined) {
      real(fd)
      if (file !== undefined) steps.push({ do: 'synced', number })
      return
    }
    real(fd, (error) => {
      if (!error && file !== undefined) steps.push({ do: 'synced', number })
      done(error)
    })
  }
}
watch('ftruncateSync', ([fd, size]) => {
  const file = files.get(fd)
  if (file?.ino !== undefined) steps.push({ do: 'truncate', ino: file.ino, size })
})
const naming =
  (what) =>
  ([from, to]) => {
    const names = { from: inside(from), to: inside(to) }
    if (names.from !== undefined || names.to !== undefined) steps.push({ do: what, ...names })
  }
watch('renameSync', naming('rename'))
watch('linkSync', naming('link'))
const removing = ([file]) => {
  const name = inside(file)
  if (name !== undefined) steps.push({ do: 'remove', name })
}
watch('unlinkSync', removing)
watch('rmdirSync', removing)
const clearing = ([file], _, existed) => {
  const name = inside(file)
  if (name !== undefined && existed) steps.push({ do: 'remove', name })
}
clearing.before = ([file]) => fs.existsSync(file)
watch('rmSync', clearing)
const making = ([name], first) => {
  if (first === undefined) return
  const folders = []
  for (let at = path.resolve(name); at.length >= path.resolve(first).length; at = path.dirname(at)) folders.unshift(at)
  for (const one of folders)
    if (inside(one) !== undefined && inside(one) !== '.') steps.push({ do: 'mkdir', name: inside(one) })
}
watch('mkdirSync', ([name, options], made) => making([name], options?.recursive ? made : name))

const { openStore } = await import('../../dist/lib/index.js')
const { JsonlPersistence } = await import('../../dist/lib/persistence.js')
const { JsonlSessionManager } = await import('../../dist/lib/session-manager.js')
const store = await openStore(folder, { fsync: 'always' })
const persistence = new JsonlPersistence(store)
const manager = new JsonlSessionManager(store)
const message = (content) => ({ role: 'user', content })
let made = 0
/** One step of the history: begun, then acknowledged. `adds`: the first ones of its messages may be there alone. */
async function act(name, work, adds = false) {
  const number = ++made
  steps.push({ do: 'begin', number, name, adds })
  await work()
  steps.push({ do: 'acknowledged', number })
}

for (let round = 0; round < 3; round++) {
  const a = store.session('a')
  const b = store.session(`New Key ${round}`)
  await act('append', () => a.append(message(`a${round}`)))
  await act('create', () => b.append(message(`b${round}`)))
  await act('append of 9 KB', () => a.append(message(`${round}`.repeat(9_000))))
  await act('batch', () => a.append([1, 2, 3].map((n) => message(`batch ${n} ${'x'.repeat(3_000)}`))), true)
  await act('name', () => a.setName(`name ${round}`))
  await act('removeLast', () => a.removeLast())
  await act('state', () => a.setState(round % 2 ? 'idle' : 'running', 't'))
  await act('rewrite', () => a.rewrite())
  await act('append after rewrite', () => a.append(message('after')))
  let id
  await act('createSession', async () => {
    id = await persistence.createSession('coder', '/project')
  })
  await act('insert', () => persistence.insertMessage(id, message('do it')))
  await act('insert', () => persistence.insertMessage(id, { role: 'assistant', content: 'done' }))
  await act('compactSession', () => persistence.compactSession(id, 'was done', 1))
  await act('todo', () => persistence.setTodo(id, 'more'))
  await act('purge', () => persistence.purgeCompacted(0))
  await act('fork', () => store.fork('a', { as: `copy-${round}` }))
  const metadata = {
    id: `trip-${round}`,
    name: 'T',
    tags: [],
    agentName: '',
    createdAt: 0,
    updatedAt: 0,
    turnCount: 1,
    totalTokens: 1,
  }
  await act('save', () => manager.save({ metadata, messages: ['1', '2', '3'].map(message), state: { round } }))
  await act('rewind', () => manager.rewind(metadata.id, 1))
  if (round === 1) await act('delete', () => b.delete())
  const one = async (text) => {
    await a.append(message(text))
    steps.push({ do: 'one', text })
  }
  const texts = Array.from({ length: 8 }, (_, i) => `at once ${round} ${i}`)
  await act('together', () => Promise.all(texts.map(one)), true)
  // what another program leaves without a sync; the next append of ours cuts it off
  const fd = fs.openSync(a.path, 'a')
  const torn = Buffer.from('{"role":"user","cont')
  fs.writeSync(fd, torn, 0, torn.length)
  fs.closeSync(fd)
  // the fragment counts as damage as soon as a line feed stands behind it
  await act('append behind a torn tail', () => a.append(message('behind')), true)
}
await new Promise((resolve) => setTimeout(resolve, 5))
await act('cleanup', () => store.cleanup({ olderThan: 0 }), 'some')
const entries = await store.trash()
await act('restore', () => store.restore(entries.find(({ key }) => key === 'copy-0').id))
await store.close()
fs.writeFileSync(record, JSON.stringify(steps))
process.exit(0)
