/** One contestant in its own process, driven by harness.mjs: node runner.mjs SIZE ROW CONTESTANT FOLDER */
import { rows } from './rows/index.mjs'

/** Operations of one pass that times each of them. */
const LATENCY_OPERATIONS = 2000
const MOST_OPERATIONS = 200_000

const [size, rowName, name, folder] = process.argv.slice(2)
const row = rows(size).find((one) => one.name === rowName)
const contestant = row.contestants.find((one) => one.name === name)
let one

const commands = {
  async start() {
    one = await contestant.start(folder)
  },

  /** Lets the compiler settle, for ten times `milliseconds`, and finds how many operations take about as long as that. */
  async warmUp(milliseconds) {
    const { least = 1, most = MOST_OPERATIONS } = one
    let operations = least
    await one.turn?.(0)
    const warm = performance.now() + 10 * milliseconds
    // the first operations are slow, and say little about the later ones
    for (let round = 0; ; round++) {
      const took = (await time(operations)) / 1000
      if (round > 0 && performance.now() > warm && (took > milliseconds / 2 || operations >= most)) break
      const growth = Math.min(8, Math.max(1, milliseconds / Math.max(took, 0.02)))
      operations = Math.min(most, Math.ceil(operations * growth))
    }
    one.operations = operations
    return operations
  },

  async prove() {
    await one.proof()
  },

  async repeat(repetition) {
    globalThis.gc()
    await one.turn?.(repetition)
    const before = process.cpuUsage()
    const count = one.operations * (one.per ?? 1)
    const sample = (await time(one.operations)) / count
    const { user, system } = process.cpuUsage(before)
    // what is not timed cannot be told apart here, and what other processes do is not seen
    const cpu = one.before === undefined && !one.selfTimed && !one.elsewhere ? (user + system) / count : undefined
    const latencies = row.latency ? await timeEach(Math.min(one.operations, LATENCY_OPERATIONS)) : {}
    return { sample, cpu, latencies, figures: one.figures?.() ?? {} }
  },
}

process.on('message', async ({ command, argument }) => {
  try {
    process.send({ answer: await commands[command](argument) })
  } catch (error) {
    process.send({ error: error.stack })
  }
})
process.on('disconnect', async () => {
  await one?.stop()
  process.exit()
})

/** How long `operations` took together, µs. */
async function time(operations) {
  const { before, operation, selfTimed } = one
  if (before === undefined && !selfTimed) {
    const start = performance.now()
    for (let i = 0; i < operations; i++) await operation()
    return (performance.now() - start) * 1000
  }
  let sum = 0
  for (let i = 0; i < operations; i++) sum += await timeOne()
  return sum * 1000
}

async function timeEach(operations) {
  const latencies = {}
  for (let i = 0; i < operations; i++) {
    const took = (await timeOne()) * 1000
    const kind = one.kind?.() ?? 'operation'
    latencies[kind] ??= []
    latencies[kind].push(took)
  }
  return latencies
}

/** How long the next operation took, ms. */
async function timeOne() {
  const { before, operation, selfTimed } = one
  if (before !== undefined) await before()
  const start = performance.now()
  const answer = await operation()
  return selfTimed ? answer : performance.now() - start
}
