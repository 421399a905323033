import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ended, RemoteStore, start } from '../helpers/child.js'
import { contents, message, open, randomOf, SOAK, sleep, tempFolder } from '../helpers/store.js'

const PROCESSES = 6
/** How long the chaos lasts: `SECONDS=600 SOAK=1` for ten minutes. */
const SECONDS = SOAK ? Number(process.env.SECONDS ?? 150) : 5
/** An owner on another host counts as dead after this time of silence, ms; a stopped one on this host never does. */
const SILENCE_MS = 10_000

/** Stretches of exclusive work, and those during which another process that was not killed believed to be alone too. */
function judge(witness: string): { entered: number; violations: string[] } {
  const killed = new Set<string>()
  const violations: string[] = []
  let entered = 0
  let holder: string | undefined
  for (const line of fs.readFileSync(witness, 'utf8').split('\n').slice(0, -1)) {
    const [sign, name] = line.split(' ') as [string, string]
    if (sign === 'x') killed.add(name)
    else if (sign === '+') {
      entered++
      if (holder !== undefined && !killed.has(holder)) violations.push(`${name} in the time of ${holder}`)
      holder = name
    } else {
      if (holder !== name && !killed.has(name)) violations.push(`${name} left in the time of ${holder}`)
      holder = undefined
    }
  }
  return { entered, violations }
}

interface Outcome {
  entered: number
  violations: string[]
  kills: number
  stops: number
}

/** How much longer than asked for the chaos may take on a busy machine, ms. */
const LONGER_MS = 60_000

/** Kills and stops processes at random, all of which want one lease, until there is enough to see. */
async function chaos(
  seconds: number,
  how: 'careful' | 'careless',
  isEnough: (seen: ReturnType<typeof judge>) => boolean,
): Promise<Outcome> {
  const folder = tempFolder()
  const witness = `${folder}/witness`
  fs.writeFileSync(witness, '')
  const random = randomOf(seconds)
  let count = 0
  const begin = () => {
    const name = `p${count++}`
    return { name, child: start('chaos.mjs', [folder, witness, name, how]), stopped: false }
  }
  const players = Array.from({ length: PROCESSES }, begin)
  const outcome = { kills: 0, stops: 0 }
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end || (performance.now() < end + LONGER_MS && !isEnough(judge(witness)))) {
    await sleep(random() * 150)
    const at = Math.floor(random() * PROCESSES)
    const player = players[at]!
    if (random() < 0.4) {
      fs.appendFileSync(witness, `x ${player.name}\n`)
      player.child.kill('SIGKILL')
      expect((await ended(player.child)).signal).toBe('SIGKILL')
      players[at] = begin()
      outcome.kills++
    } else if (!player.stopped) {
      player.stopped = true
      player.child.kill('SIGSTOP')
      const ms = SOAK && random() < 0.01 ? SILENCE_MS + 2_000 : random() * 400
      setTimeout(() => {
        player.stopped = false
        player.child.kill('SIGCONT')
      }, ms)
      outcome.stops++
    }
  }
  for (const { child } of players) child.kill('SIGCONT')
  for (const { child } of players) child.send('end')
  for (const { child } of players) expect(await ended(child)).toEqual({ code: 0, signal: null })
  return { ...outcome, ...judge(witness) }
}

describe(`${PROCESSES} processes that want one lease, killed and stopped at random`, () => {
  test('never two owners', async () => {
    const { violations, ...figures } = await chaos(SECONDS, 'careful', ({ entered }) => entered > 20)
    if (SOAK) console.log(`chaos of ${SECONDS} s:`, figures, `${violations.length} violations`)
    expect(violations).toEqual([])
    expect(figures.entered).toBeGreaterThan(20)
    expect(figures.kills).toBeGreaterThan(0)
    expect(figures.stops).toBeGreaterThan(0)
  }, 3_600_000)

  test('and the judge notices two: without the lease', async () => {
    const { violations } = await chaos(1, 'careless', (seen) => seen.violations.length > 10)
    expect(violations.length).toBeGreaterThan(10)
  }, 120_000)
})

/** Median and worst of some times, ms. */
function figuresOf(times: readonly number[]): { median: number; worst: number } {
  const sorted = times.map((ms) => Math.round(ms * 10) / 10).sort((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)]!, worst: sorted.at(-1)! }
}

test('the lease of a killed holder is taken over at once, by waiters and by newcomers', async () => {
  const folder = tempFolder()
  const store = await open(folder)
  await store.session('warm').append(message('warm'))
  const times = { waits: [] as number[], comes: [] as number[] }
  for (let round = 0; round < (SOAK ? 40 : 2); round++) {
    for (const how of ['waits', 'comes'] as const) {
      const session = store.session(`${how} ${round}`)
      const holder = await RemoteStore.open(folder)
      await holder.append(session.key, 'theirs')
      holder.kill('SIGSTOP')
      const waiting = how === 'waits' ? session.append(message('ours')) : undefined
      await sleep(50)
      const begin = performance.now()
      holder.kill('SIGKILL')
      if (how === 'comes') await ended(holder.child)
      await (waiting ?? session.append(message('ours')))
      times[how].push(performance.now() - begin)
      expect(await contents(session)).toEqual(['theirs', 'ours'])
    }
  }
  if (SOAK) console.log('takeover, ms from the kill:', figuresOf(times.waits), figuresOf(times.comes))
  expect(Math.max(...times.waits, ...times.comes)).toBeLessThan(2_000)
}, 120_000)

test('four processes write to one session: all get their turns', async () => {
  const folder = tempFolder()
  const count = SOAK ? 1_000 : 40
  const writers = Array.from({ length: 4 }, (_, i) => {
    const acks = `${folder}/acks-${i}`
    return { acks, child: start('writer.mjs', [`${folder}/s`, acks, `w${i}`, String(count), '["a"]']) }
  })
  for (const { child } of writers) expect(await ended(child)).toEqual({ code: 0, signal: null })
  const waits = writers.flatMap(({ acks }) => {
    const lines = fs.readFileSync(acks, 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => Number(line.split(' ')[1]))
  })
  expect(waits).toHaveLength(4 * count)
  expect((await (await open(`${folder}/s`)).session('a').info())?.messages).toBe(4 * count)
  if (SOAK) console.log('wait of 4 processes for one session, ms:', figuresOf(waits))
  expect(figuresOf(waits).worst).toBeLessThan(2_000)
}, 120_000)
