// The faults that network drives have shown, as rounds of two hosts. Each returns what was wrong, in words; none is good.
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { sleep } from './drives.mjs'

const AT_ONCE = 5
const LATE_MS = 1_200

const names = (count) => Array.from({ length: count }, (_, i) => `m${i}`)
const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b)

/** Runs rounds, some at once, each on a session of its own. */
async function rounds(count, round) {
  const wrong = []
  let next = 0
  const worker = async () => {
    while (next < count) {
      const key = `r${next++}-${randomBytes(3).toString('hex')}`
      try {
        const found = await round(key)
        if (found) wrong.push(`${key}: ${found}`)
      } catch (error) {
        wrong.push(`${key}: ${error.code ?? ''} ${error.message}`)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return wrong
}

/** What both hosts see within a second of the last call. */
async function differs([a, b], key, expected) {
  for (const host of [a, b]) {
    let seen
    for (const end = Date.now() + LATE_MS; ; await sleep(100)) {
      seen = await host.contents(key)
      if (isSame(seen, expected) || Date.now() > end) break
    }
    if (!isSame(seen, expected)) return `${host.name} sees ${seen.length} of ${expected.length}: ${seen}`
  }
  return undefined
}

/** B has looked, A appends, B does something at once. */
async function staleView([a, b], key, act, expected) {
  await a.append(key, 'keep')
  const gone = await a.append(key, 'gone')
  await a.call('remove', key, gone)
  await sleep(LATE_MS)
  await b.call('messages', key)
  for (const name of names(20)) await a.append(key, name)
  await b.call(act, key)
  return differs([a, b], key, expected)
}

export const FAULTS = {
  'F1 rewrite beside another host': (hosts, count) =>
    rounds(count, (key) => staleView(hosts, key, 'rewrite', ['keep', ...names(20)])),

  'F2 removeLast after another host': (hosts, count) =>
    rounds(count, (key) => staleView(hosts, key, 'removeLast', ['keep', ...names(19)])),

  'F3 contended appends': (hosts, count) =>
    rounds(count, async (key) => {
      const each = async (host) => {
        for (let i = 0; i < 6; i++) await host.append(key, `${host.name}${i}`)
      }
      await Promise.all(hosts.map(each))
      // a reader without the lease may be late
      await sleep(LATE_MS)
      const seen = await hosts[0].contents(key)
      const ordered = hosts.every((host) =>
        isSame(
          seen.filter((text) => text.startsWith(host.name)),
          Array.from({ length: 6 }, (_, i) => `${host.name}${i}`),
        ),
      )
      return ordered && seen.length === 12 ? undefined : `order or number: ${seen}`
    }),

  'F7 a new size over old bytes': ([a, b], count, drive) =>
    rounds(count, async (key) => {
      const expected = []
      for (let i = 0; i < 3; i++) {
        expected.push(`${key} ${i}`)
        await a.append(key, expected[i])
        // makes the client of B ask for the size, and not for the bytes
        fs.chmodSync(path.join(drive.b, 'sessions', `${key}.jsonl`), 0o600)
        await b.call('messages', key)
      }
      const info = await b.call('info', key)
      if (info?.damaged !== 0) return `damaged: ${info?.damaged}`
      return differs([a, b], key, expected)
    }),
}

/** The servers of the drive are killed for 5 s while both hosts append each 50 ms. */
export async function outage([a, b], drive) {
  const acked = { [a.name]: [], [b.name]: [] }
  const codes = new Map()
  let running = true
  let last = 0
  const each = async (host) => {
    for (let i = 0; running; i++) {
      try {
        await host.append(`outage-${host.name}`, `${i}`)
        acked[host.name].push(`${i}`)
        last = Math.max(last, back > 0 ? 1 : 0)
        if (back > 0 && !resumed[host.name]) resumed[host.name] = Date.now() - back
      } catch (error) {
        codes.set(error.code, (codes.get(error.code) ?? 0) + 1)
      }
      await sleep(50)
    }
  }
  let back = 0
  const resumed = {}
  const work = Promise.all([a, b].map(each))
  await sleep(2_000)
  for (const pid of drive.servers()) process.kill(pid, 'SIGKILL')
  await sleep(5_000)
  drive.restart()
  back = Date.now()
  await sleep(20_000)
  running = false
  await work
  const wrong = []
  for (const host of [a, b]) {
    const seen = await host.contents(`outage-${host.name}`).catch((error) => [error.message])
    const here = seen.filter((text) => acked[host.name].includes(text))
    if (!isSame(here, acked[host.name]))
      wrong.push(`${host.name}: ${here.length} of ${acked[host.name].length} acknowledged`)
    if (seen.length !== here.length) wrong.push(`${host.name}: ${seen.length - here.length} rejected and there`)
    if (!(resumed[host.name] < 15_000)) wrong.push(`${host.name} goes on after ${resumed[host.name]} ms`)
  }
  const note = `goes on after ${Object.values(resumed).join(' and ')} ms; rejected meanwhile: ${[...codes].map(([code, n]) => `${n} ${code}`).join(', ') || 'none'}`
  return { wrong, note }
}

/** A is stopped for longer than a lease lasts while B writes, then goes on. */
export async function stopped([a, b]) {
  const key = `stopped-${randomBytes(3).toString('hex')}`
  const acked = []
  const append = async (host, text) => {
    try {
      await host.append(key, text)
      acked.push(text)
      return 'done'
    } catch (error) {
      return error.code
    }
  }
  await append(a, 'a0')
  await append(a, 'a1')
  a.signal('SIGSTOP')
  const began = Date.now()
  const first = await append(b, 'b0')
  const takeover = Date.now() - began
  await append(b, 'b1')
  a.signal('SIGCONT')
  const late = await append(a, 'a2')
  await append(a, 'a3')
  await append(b, 'b2')
  const wrong = await differs([a, b], key, acked)
  return { wrong: wrong ? [wrong] : [], note: `takeover ${first} after ${takeover} ms; the late append: ${late}` }
}

/** The drive is full: what is rejected must not be there. */
export async function full(host, folder) {
  const key = 'full'
  await host.append(key, 'first')
  const filler = path.join(folder, 'filler')
  let room = 1_048_576
  while (room > 512) {
    try {
      fs.appendFileSync(filler, Buffer.alloc(room, 1))
    } catch {
      room = Math.floor(room / 2)
    }
  }
  const acked = ['first']
  const codes = new Map()
  for (let i = 0; i < 40; i++) {
    const text = `${i} ${'x'.repeat(400)}`
    try {
      await host.append(key, text)
      acked.push(text)
    } catch (error) {
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1)
    }
  }
  fs.rmSync(filler)
  // the drive takes its time to find room again
  for (let i = 0; !acked.includes('last'); i++) {
    await sleep(LATE_MS)
    const added = await host.append(key, 'last').catch((error) => (i < 20 ? undefined : Promise.reject(error)))
    if (added !== undefined) acked.push('last')
  }
  const seen = await host.contents(key)
  const wrong = isSame(seen, acked) ? [] : [`${seen.length} there, ${acked.length} acknowledged`]
  return {
    wrong,
    note: `${acked.length} acknowledged; rejected: ${[...codes].map(([code, n]) => `${n} ${code}`).join(', ') || 'none'}`,
  }
}
