// The faults that network drives have shown, as rounds of two hosts. Each returns what was wrong, in words; none is good.
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { sleep, until } from './drives.mjs'

const AT_ONCE = 5
const LATE_MS = 1_200
const LOST_MS = 30_000
const BLOCKED_MS = 30_000
/** After its servers are back, a drive is to be used again within this time. */
const GOES_ON_MS = 15_000

const names = (count) => Array.from({ length: count }, (_, i) => `m${i}`)
const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b)

/** How long it takes until hosts see the same: at most so long that only a loss explains more. */
class Views {
  #longest = 0

  /** Undefined when all hosts see the expected messages, else what they see. */
  async differ(hosts, key, expected) {
    const began = Date.now()
    for (const host of hosts) {
      const sees = async () => isSame(await host.contents(key), expected)
      await until(sees, '', LOST_MS).catch(() => {})
      const seen = await host.contents(key)
      if (!isSame(seen, expected)) return `${host.name} sees ${seen.length} of ${expected.length}: ${seen}`
    }
    this.#longest = Math.max(this.#longest, Date.now() - began)
    return undefined
  }

  toString() {
    return `both hosts see it after at most ${(this.#longest / 1_000).toFixed(1)} s`
  }
}

/** Runs rounds, some at once, each on a session of its own. */
async function rounds(count, round) {
  const wrong = []
  const views = new Views()
  let next = 0
  const worker = async () => {
    while (next < count) {
      const key = `r${next++}-${randomBytes(3).toString('hex')}`
      try {
        const found = await round(key, views)
        if (found) wrong.push(`${key}: ${found}`)
      } catch (error) {
        wrong.push(`${key}: ${error.code ?? ''} ${error.message}`)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return { wrong, note: String(views) }
}

/** B has looked, A appends, B does something at once. */
async function staleView([a, b], key, views, act, expected) {
  await a.append(key, 'keep')
  const gone = await a.append(key, 'gone')
  await a.call('remove', key, gone)
  await sleep(LATE_MS)
  await b.call('messages', key)
  for (const name of names(20)) await a.append(key, name)
  await b.call(act, key)
  return views.differ([a, b], key, expected)
}

export const FAULTS = {
  'F1 rewrite beside another host': (hosts, count) =>
    rounds(count, (key, views) => staleView(hosts, key, views, 'rewrite', ['keep', ...names(20)])),

  'F2 removeLast after another host': (hosts, count) =>
    rounds(count, (key, views) => staleView(hosts, key, views, 'removeLast', ['keep', ...names(19)])),

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
    rounds(count, async (key, views) => {
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
      return views.differ([a, b], key, expected)
    }),
}

/** The codes of failures, counted, in words. */
class Codes {
  #counts = new Map()

  add(error) {
    const code = error.code ?? error.message
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1)
  }

  toString() {
    return [...this.#counts].map(([code, count]) => `${count} ${code}`).join(', ') || 'none'
  }
}

/** The servers of the drive are killed for 5 s, again and again, while both hosts append each 50 ms. */
export async function outages(hosts, count, drive) {
  const wrong = []
  const codes = new Codes()
  const resumed = []
  const blocked = []
  let acked = 0
  for (let round = 0; round < count && wrong.length < 5; round++) {
    const found = await outage(hosts, drive, round, codes)
    wrong.push(...found.wrong)
    resumed.push(...found.resumed)
    blocked.push(...found.blocked)
    acked += found.acked
  }
  resumed.sort((a, b) => a - b)
  const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`
  const note = [
    `${acked} acknowledged, rejected meanwhile: ${codes}`,
    `goes on after ${seconds(resumed[resumed.length >> 1])} (median), ${seconds(resumed.at(-1))} (longest)`,
    `calls that the client of the drive never answers: ${blocked.length} ${blocked[0] ?? ''}`,
  ]
  return { wrong, note: note.join('; ') }
}

/** Rejects, with the place in the system where the process waits, when the call has not ended after half a minute. */
function answered(host, promise) {
  const late = sleep(BLOCKED_MS).then(() => {
    throw Object.assign(new Error(`blocked: ${host.place()}`), { code: 'BLOCKED' })
  })
  return Promise.race([promise, late])
}

async function outage(hosts, drive, round, codes) {
  const lists = hosts.map((host) => ({ host, key: `outage-${round}-${host.name}`, acked: [], unknown: [] }))
  const blocked = []
  let back = Number.POSITIVE_INFINITY
  let running = true
  const each = async (one) => {
    const { host, key, acked, unknown } = one
    for (let i = 0; running; i++) {
      try {
        await answered(host, host.append(key, `${i}`))
        acked.push(`${i}`)
        if (Date.now() > back) one.resumed ??= Date.now() - back
      } catch (error) {
        if (error.code !== 'BLOCKED') codes.add(error)
        else {
          unknown.push(`${i}`)
          blocked.push(`(${error.message})`)
          return
        }
      }
      await sleep(50)
    }
  }
  const work = Promise.all(lists.map(each))
  await sleep(1_000)
  for (const pid of drive.servers()) process.kill(pid, drive.ending)
  await sleep(5_000)
  drive.restart()
  back = Date.now()
  await Promise.race([work, until(() => lists.every(({ resumed }) => resumed), '', GOES_ON_MS).catch(() => {})])
  await sleep(2_000)
  running = false
  await work
  // a client of the drive that never answers one call may not answer others: what is there, another one says
  if (blocked.length > 0)
    for (const [i, host] of hosts.entries()) hosts[i] = await host.restart(path.join(await drive.another(), 'sessions'))
  const wrong = []
  const views = new Views()
  for (const { key, acked, unknown, resumed } of lists) {
    // a call that was never answered may have written its line
    const found = await views.differ(hosts, key, acked)
    if (found && (unknown.length === 0 || (await views.differ(hosts, key, [...acked, ...unknown]))))
      wrong.push(`${key}: ${found}`)
    if (resumed === undefined && unknown.length === 0) wrong.push(`${key}: not resumed within ${GOES_ON_MS} ms`)
  }
  const resumed = lists.flatMap((one) => one.resumed ?? [])
  return { wrong, resumed, blocked, acked: lists.flatMap(({ acked }) => acked).length }
}

/** A is stopped for longer than a lease lasts while B writes, then goes on: in many sessions at once. */
export async function stopped([a, b], count) {
  const codes = new Codes()
  const sessions = Array.from({ length: count }, () => ({
    key: `stopped-${randomBytes(3).toString('hex')}`,
    acked: [],
  }))
  const append = async (host, text, { key, acked }) => {
    try {
      await host.append(key, text)
      acked.push(text)
    } catch (error) {
      codes.add(error)
    }
  }
  const all = (host, text) => Promise.all(sessions.map((session) => append(host, text, session)))
  await all(a, 'a0')
  await all(a, 'a1')
  a.signal('SIGSTOP')
  const began = Date.now()
  await all(b, 'b0')
  const takeover = ((Date.now() - began) / 1_000).toFixed(1)
  await all(b, 'b1')
  a.signal('SIGCONT')
  await all(a, 'a2')
  await all(a, 'a3')
  await all(b, 'b2')
  const wrong = []
  const views = new Views()
  for (const { key, acked } of sessions) {
    const found = await views.differ([a, b], key, acked)
    if (found) wrong.push(`${key}: ${found}`)
  }
  return { wrong, note: `all taken over within ${takeover} s; rejected: ${codes}; ${views}` }
}

/** The drive is full: what is rejected must not be there. */
export async function full(host, folder, count) {
  const sessions = Array.from({ length: count }, (_, i) => ({ key: `full-${i}`, acked: ['first'] }))
  for (const { key } of sessions) await host.append(key, 'first')
  const filler = path.join(folder, 'filler')
  let room = 1_048_576
  while (room > 512) {
    try {
      fs.appendFileSync(filler, Buffer.alloc(room, 1))
    } catch {
      room = Math.floor(room / 2)
    }
  }
  const codes = new Codes()
  for (let i = 0; i < 40; i++)
    for (const { key, acked } of sessions) {
      const text = `${i} ${'x'.repeat(400)}`
      await host.append(key, text).then(
        () => acked.push(text),
        (error) => codes.add(error),
      )
    }
  fs.rmSync(filler)
  const wrong = []
  let total = 0
  for (const { key, acked } of sessions) {
    // the drive takes its time to find room again
    for (let i = 0; !acked.includes('last'); i++) {
      await sleep(LATE_MS)
      const added = await host.append(key, 'last').catch((error) => (i < 20 ? undefined : Promise.reject(error)))
      if (added !== undefined) acked.push('last')
    }
    const seen = await host.contents(key)
    total += acked.length
    if (!isSame(seen, acked)) wrong.push(`${key}: ${seen.length} there, ${acked.length} acknowledged`)
  }
  return { wrong, note: `${total} acknowledged; rejected: ${codes}` }
}
