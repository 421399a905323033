/**
 * Power loss under fsync 'always': a run is recorded with all its writes, names and syncs; disks are built from it on
 * which what was not synced is missing, in part or out of order, and each is opened. What was acknowledged is there.
 */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { sidecarFromText, sidecarText } from '../../dist/internals/sidecar-file.js'
import { loadContracts } from './contracts.mjs'
import { tell } from './scene.mjs'

const RUN = fileURLToPath(new URL('power-run.mjs', import.meta.url))
const BLOCK = 4096

/** Returns { steps, syncs, disks, failures }. `count` disks are tried, spread over the whole run. */
export async function losePower({ library, folder, count, seed = 1, careless = false }) {
  const exports = await import(library)
  const contracts = await loadContracts()
  const real = path.join(folder, 'power')
  const record = path.join(folder, 'record.json')
  const { status, signal, stderr } = spawnSync(process.execPath, [RUN, real, record], {
    encoding: 'utf8',
    timeout: 120_000,
  })
  if (status !== 0) throw new Error(`the run ended with ${status ?? signal}: ${stderr}`)
  const recorded = JSON.parse(fs.readFileSync(record, 'utf8'))
  // a machine whose syncs do nothing, to show that a lost message is found
  const steps = careless ? recorded.filter((step) => step.do !== 'synced') : recorded
  const history = resolveNames(steps)
  const failures = []
  const whole = diskAt(history, steps.length, () => 'all')
  const [told, there] = [filesOf(whole), filesIn(real)]
  const wrong = Object.keys({ ...told, ...there }).filter((name) => told[name] !== there[name])
  if (wrong.length > 0) failures.push(`the record does not tell how these files came to be: ${wrong}`)
  const states = new Map([[0, { sessions: [], trash: [], strays: [] }]])
  const place = path.join(folder, 'disk')
  const read = () => tell(exports, contracts, place, { run: false })
  for (const [at, step] of steps.entries()) {
    if (step.do !== 'acknowledged') continue
    materialise(
      diskAt(history, at, () => 'all'),
      place,
    )
    states.set(step.number, await read())
  }
  const random = randomOf(seed)
  let disks = 0
  for (; disks < count && failures.length === 0; disks++) {
    const at = 1 + Math.floor(((disks + random()) / count) * steps.length)
    const mood = ['none', 'all but last', 'some', 'some', 'some'][Math.floor(random() * 5)]
    materialise(diskAt(history, at, fateOf(mood, random)), place)
    const { before, after, begun, texts } = expectedAt(steps, at, states)
    const where = `disk ${disks} (seed ${seed}), cut at step ${at} of ${steps.length}, in ${begun?.name ?? 'no operation'}, ${mood}`
    try {
      const found = await read()
      const wrong = complaintOf(found, before, after, begun, texts)
      if (wrong !== undefined) failures.push(`power loss: ${where}: ${wrong}`)
      const store = await exports.openStore(place)
      for (const { key } of await store.list()) await store.session(key).append({ role: 'user', content: 'next' })
      await store.close()
    } catch (error) {
      failures.push(`power loss: ${where}: ${error?.stack}`)
    }
  }
  fs.rmSync(place, { recursive: true, force: true })
  return { steps: steps.length, syncs: steps.filter((step) => step.do === 'synced').length, disks, failures }
}

/** What must be there and may be there when the power fails before step `at`. */
function expectedAt(steps, at, states) {
  let number = 0
  let begun
  const texts = []
  for (const step of steps.slice(0, at)) {
    if (step.do === 'begin') begun = step
    if (step.do === 'one') texts.push(step.text)
    if (step.do === 'acknowledged') {
      number = step.number
      begun = undefined
      texts.length = 0
    }
  }
  const before = states.get(number)
  return { before, after: begun === undefined ? before : states.get(begun.number), begun, texts }
}

function complaintOf(found, before, after, begun, texts) {
  const missing = texts.filter((text) => !found.sessions.some((session) => session.includes(`"${text}"`)))
  if (missing.length > 0) return `acknowledged, and gone: ${missing}`
  if (isDeepStrictEqual(found, before) || isDeepStrictEqual(found, after)) return undefined
  if (begun?.adds === true && isPart('a', found, before, after)) return undefined
  if (begun?.adds === 'some') {
    const isWhole = found.sessions.length + found.trash.length === before.sessions.length
    if (isWhole && found.sessions.every((session) => before.sessions.includes(session))) return undefined
  }
  const strange = found.sessions.filter((one) => !before.sessions.includes(one) && !after.sessions.includes(one))
  const gone = before.sessions.filter((one) => !found.sessions.includes(one))
  return `neither old nor new: ${JSON.stringify({ strange, gone, trash: found.trash }).slice(0, 1_500)}`
}

/**
 * True when the session has its old messages, in order some of the ones that were being added, and nothing else; the
 * others are old. What is missing between them is damage, which is counted.
 */
function isPart(key, found, before, after) {
  const own = (state) => state.sessions.map((text) => JSON.parse(text)).find((one) => one.key === key)?.SessionStore
  const others = ({ sessions, trash }) => [sessions.filter((text) => JSON.parse(text).key !== key), trash]
  if (!isDeepStrictEqual(others(found), others(before)) || own(found).name !== own(before).name) return false
  const [now, old, made] = [own(found).texts, own(before).texts, own(after).texts]
  if (!isDeepStrictEqual(now.slice(0, old.length), old)) return false
  let from = old.length
  for (const text of now.slice(old.length)) {
    from = made.indexOf(text, from) + 1
    if (from === 0) return false
  }
  return true
}

/** The steps with what each name meant when it was used, and with when it was safe. */
function resolveNames(steps) {
  const names = new Map()
  const begins = new Map()
  const history = steps.map((step, index) => {
    const one = { ...step, index, safe: Number.POSITIVE_INFINITY }
    if (step.do === 'create') names.set(step.name, step.ino)
    if (step.do === 'mkdir') names.set(step.name, 'folder')
    if (step.do === 'link' || step.do === 'rename') {
      one.ino = names.get(step.from)
      names.set(step.to, one.ino)
      if (step.do === 'rename') names.delete(step.from)
    }
    if (step.do === 'remove') for (const name of [...names.keys()]) if (isIn(name, step.name)) names.delete(name)
    return one
  })
  for (const one of history) {
    if (one.do === 'sync begins') begins.set(one.number, one)
    if (one.do !== 'synced') continue
    const sync = begins.get(one.number)
    for (const former of history.slice(0, sync.index)) {
      const concerned = foldersOf(former)
      if (concerned !== undefined && sync.folder !== undefined) {
        former.synced = new Set([...(former.synced ?? []), sync.folder])
        if (concerned.every((folder) => former.synced.has(folder))) former.safe = Math.min(former.safe, one.index)
      } else if (concerned === undefined && former.ino === sync.ino && /write|truncate/.test(former.do))
        former.safe = Math.min(former.safe, one.index)
    }
  }
  return history
}

const isIn = (name, folder) => name === folder || name.startsWith(`${folder}/`)

/** The folders that must be synced for a change of names to last; undefined for what changes no name. */
function foldersOf(step) {
  if (/^(create|mkdir|remove)$/.test(step.do)) return [path.dirname(step.name)]
  if (step.do === 'link') return [path.dirname(step.to)]
  if (step.do === 'rename') return [path.dirname(step.from), path.dirname(step.to)]
  return undefined
}

/** How much of what is not safe yet is on the disk, step by step: 'all', 'none', or 'part' of a write. */
function fateOf(mood, random) {
  if (mood === 'none') return () => 'none'
  if (mood === 'all but last') return (_, isLast) => (isLast ? 'part' : 'all')
  return () => ['all', 'none', 'part'][Math.floor(random() * 3)]
}

/** The disk when the power fails before step `at`: names, and the bytes behind them. */
function diskAt(history, at, fate) {
  const names = new Map()
  const files = new Map()
  const done = history.slice(0, at)
  const lastChange = done.findLast((step) => /write|truncate|create|link|rename|remove|mkdir/.test(step.do))
  for (const step of done) {
    const share = step.safe < at ? 'all' : fate(step, step === lastChange)
    if (step.do === 'write' || step.do === 'truncate') files.set(step.ino, changed(files.get(step.ino), step, share))
    else if (share !== 'none') rename(names, step)
  }
  return { names, files }
}

function rename(names, step) {
  if (step.do === 'create') names.set(step.name, step.ino)
  if (step.do === 'mkdir') names.set(step.name, 'folder')
  if (step.do === 'link' || step.do === 'rename') names.set(step.to, step.ino)
  if (step.do === 'rename' && names.get(step.from) === step.ino) names.delete(step.from)
  if (step.do === 'remove') for (const name of [...names.keys()]) if (isIn(name, step.name)) names.delete(name)
}

/** A file after one change, or after a part of it: blocks that are missing are zeros, and so is what a cut leaves. */
function changed(former = Buffer.alloc(0), step, share) {
  if (share === 'none') return former
  if (step.do === 'truncate') {
    if (share === 'all') return former.subarray(0, step.size)
    const zeroed = Buffer.from(former)
    return zeroed.fill(0, step.size, Math.min(former.length, Math.ceil(step.size / BLOCK) * BLOCK))
  }
  const data = Buffer.from(step.data, 'base64')
  const size = Math.max(former.length, step.at + data.length)
  const file = Buffer.concat([former, Buffer.alloc(size - former.length)])
  if (share === 'all') data.copy(file, step.at)
  // of a write that spans blocks every other one; of a short one its first half
  else if (data.length < BLOCK) data.copy(file, step.at, 0, data.length >> 1)
  else for (let from = BLOCK; from < data.length; from += 2 * BLOCK) data.copy(file, step.at + from, from, from + BLOCK)
  return file
}

/** Name and content of every file that can be reached. */
function filesOf({ names, files }) {
  const reachable = [...names].filter(([name]) => {
    const above = path.dirname(name)
    return names.get(name) !== 'folder' && (above === '.' || names.get(above) === 'folder')
  })
  return Object.fromEntries(
    reachable.map(([name, ino]) => [name, (files.get(ino) ?? Buffer.alloc(0)).toString('latin1')]).sort(),
  )
}

function filesIn(folder) {
  const entries = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('.locks/') || name.startsWith('.locks/.rewrites'))
  const names = entries.filter((name) => fs.statSync(path.join(folder, name)).isFile())
  return Object.fromEntries(names.map((name) => [name, fs.readFileSync(path.join(folder, name), 'latin1')]).sort())
}

function materialise(disk, place) {
  fs.rmSync(place, { recursive: true, force: true })
  fs.mkdirSync(place, { recursive: true })
  const made = new Map()
  for (const [name, content] of Object.entries(filesOf(disk))) {
    const file = path.join(place, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    const first = made.get(disk.names.get(name))
    if (first === undefined) fs.writeFileSync(file, content, 'latin1')
    else fs.linkSync(first, file)
    made.set(disk.names.get(name), first ?? file)
  }
  for (const name of fs.readdirSync(place)) if (name.endsWith('.meta.json')) rebind(place, name)
}

/** After a restart a log is the same file with the same times: its sidecar must be able to take it for that. */
function rebind(place, name) {
  try {
    const sidecar = sidecarFromText(fs.readFileSync(path.join(place, name), 'utf8'))
    const { dev, ino, size, mtimeMs } = fs.statSync(path.join(place, name.replace('.meta.json', '.jsonl')))
    Object.assign(sidecar.watermark, { dev, ino, ...(size === sidecar.watermark.size ? { mtimeMs } : {}) })
    fs.writeFileSync(path.join(place, name), sidecarText(sidecar))
  } catch {
    // half a sidecar, or a log without one: left alone
  }
}

function randomOf(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
