/** Every operation x every file call that it makes x every fault, in real processes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { faultsOf, isCrash, nameOfFault } from './calls.mjs'
import { loadContracts } from './contracts.mjs'
import { complaint } from './judge.mjs'
import { litterIn, lostBytes, makeScene, tell } from './scene.mjs'

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url))
/** A worker that is silent for this long hangs, ms. */
const SILENCE_MS = 120_000

/**
 * Runs the matrix; answers { operations, faults, outcomes, failures }. `share` < 1 takes that part of the faults,
 * evenly spread. Ends at the first outcome that should not be, unless it is to keep going.
 */
export async function runMatrix({ library, folder, share = 1, only, keepGoing = false, say = () => {} }) {
  const exports = await import(library)
  const contracts = await loadContracts()
  const template = path.join(folder, 'template')
  // made by the library itself, also when a careless one is tried
  const scene = await makeScene(await import('../../dist/lib/index.js'), contracts, template)
  const old = await tell(exports, contracts, copy(template, path.join(folder, 'old')))
  const world = { library, exports, contracts, folder, template, scene, old, share, spread: 0 }
  const results = {
    ...{ operations: 0, faults: 0, outcomes: {}, failures: [] },
    fail: (text) => results.failures.push(text),
    get isOver() {
      return results.failures.length > 0 && !keepGoing
    },
  }
  const jobs = contracts.flatMap((contract) =>
    Object.keys(contract.operations)
      .filter((name) => only === undefined || only(contract.name, name))
      .map((name) => ({ contract, name, operation: contract.operations[name] })),
  )
  const runNext = async () => {
    for (let job = jobs.shift(); job !== undefined && !results.isOver; job = jobs.shift()) {
      const number = await runOperation(world, job, results)
      say(`${job.contract.name}: ${job.name}: ${number} faults`)
    }
  }
  await Promise.all([runNext(), runNext()])
  return results
}

async function runOperation(world, job, results) {
  const scratch = path.join(world.folder, `${job.contract.name}-${job.name}`.replace(/[^a-zA-Z]+/g, '-'))
  const [plain] = await allOutcomesOf(world, job, { scratch })
  if (plain.calls === undefined) {
    results.fail(`${job.contract.name}: ${job.name}, without a fault: ${plain.violation}`)
    return 0
  }
  const expected = { old: world.old, made: plain.found, result: plain.result }
  const report = (outcome) => {
    const kind = isCrash(outcome.fault) ? 'crashed' : outcome.code === undefined ? 'resolved' : 'rejected'
    const state = JSON.stringify(outcome.found) === JSON.stringify(expected.made) ? 'new' : 'old'
    const what = job.operation.reads ? kind : `${kind}, ${state}`
    results.faults++
    results.outcomes[what] = (results.outcomes[what] ?? 0) + 1
    const wrong = complaint(job.operation, expected, outcome)
    if (wrong !== undefined)
      results.fail(
        `${job.contract.name}: ${job.name}: ${nameOfFault(outcome.fault)} at call ${outcome.fault.nth}, ${outcome.hit ?? ''} (${outcome.code ?? 'no error'}): ${wrong}`,
      )
  }
  const wrong = plain.code ?? complaint(job.operation, expected, { ...plain, fault: { kind: 'none' } })
  const changes = JSON.stringify(plain.found) !== JSON.stringify(world.old)
  if (wrong !== undefined) results.fail(`${job.contract.name}: ${job.name}, without a fault: ${wrong}`)
  else if (changes === (job.operation.reads === true))
    results.fail(`${job.contract.name}: ${job.name} changes ${changes ? 'something' : 'nothing'}`)
  results.operations++
  const faults = plain.calls.flatMap((call, i) => faultsOf(call).map((fault) => ({ ...fault, nth: i + 1, call })))
  const chosen = faults.filter(() => {
    world.spread += world.share
    if (world.spread < 1) return false
    world.spread -= 1
    return true
  })
  const before = results.faults
  const errors = chosen.filter((fault) => !isCrash(fault))
  if (errors.length > 0 && !results.isOver)
    for await (const outcome of outcomesOf(world, job, { scratch, faults: errors })) {
      if (outcome.violation === undefined && outcome.hit === null) continue
      report(outcome)
      if (results.isOver) break
    }
  for (const fault of chosen.filter(isCrash)) {
    if (results.isOver) break
    const outcome = await crash(world, job, scratch, fault)
    if (outcome !== null) report(outcome)
  }
  return results.faults - before
}

/** Runs the operation in a process that dies at the call; null when it did not get there. */
async function crash(world, job, scratch, fault) {
  const folder = `${scratch}-${fault.nth}`
  const outcomes = await allOutcomesOf(world, job, { scratch, faults: [fault] })
  if (outcomes.length > 0) return outcomes[0].violation ? outcomes[0] : null
  const { exports, contracts } = world
  const found = await tell(exports, contracts, folder)
  const store = await exports.openStore(folder, { lockTimeout: 2_000 })
  await store.recover()
  const outcome = { fault, hit: fault.call, found, lost: lostBytes(folder), litter: litterIn(folder), leaked: 0 }
  try {
    for (const key of ['a', 'torn', 'chat', 'trip']) await store.session(key).append({ role: 'user', content: 'next' })
  } catch (error) {
    outcome.violation = `the next call: ${error?.stack}`
  }
  await store.close()
  fs.rmSync(folder, { recursive: true, force: true })
  return outcome
}

async function allOutcomesOf(world, job, more) {
  const outcomes = []
  for await (const outcome of outcomesOf(world, job, more)) outcomes.push(outcome)
  return outcomes
}

/** The outcomes that a worker reports, one fault after the other. It is killed when the caller ends the iteration. */
async function* outcomesOf({ library, template, scene }, { contract, name }, more) {
  const job = { library, template, scene, contract: contract.name, operation: name, ...more }
  // an argument may have 128 KB, and a long operation has more faults
  const file = `${more.scratch}.json`
  fs.writeFileSync(file, JSON.stringify(job))
  const child = spawn(process.execPath, [WORKER, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let count = 0
  let last
  let isAtEnd = false
  let silence
  const watch = () => {
    clearTimeout(silence)
    silence = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS)
  }
  watch()
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      last = JSON.parse(line)
      count++
      watch()
      yield last
    }
    isAtEnd = true
  } finally {
    clearTimeout(silence)
    if (!isAtEnd) child.kill('SIGKILL')
    await ended
  }
  const [code, signal] = await ended
  const isExpected = code === 0 || (more.faults?.length === 1 && isCrash(more.faults[0]) && signal === 'SIGKILL')
  if (!isExpected && !last?.violation)
    yield { fault: more.faults?.[count], violation: `the process ended with ${code ?? signal}` }
}

function copy(from, to) {
  fs.cpSync(from, to, { recursive: true, preserveTimestamps: true })
  return to
}
