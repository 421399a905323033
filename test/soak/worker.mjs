// Works on a store with all contracts until it gets a stop message: worker.mjs FOLDER SEED [--reopen] [--leak]
// Reports its state on request. With --leak it leaks everything that can leak, to show that the soak finds it.
import './timers.mjs'
import fs from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { openStore } from '../../dist/lib/index.js'
import { liveTimers } from './timers.mjs'
import { Lane } from './work.mjs'

const [folder, seed, ...flags] = process.argv.slice(2)
const reopens = flags.includes('--reopen')
const leaks = flags.includes('--leak')
const LANES = 3
/** After so many pieces of work a store is closed and opened again. */
const LIFE = 300

const failures = []
const fail = (what, error) => failures.push(`${what}: ${error?.stack ?? error}`)
process.on('unhandledRejection', (error) => fail('unhandled rejection', error))
process.on('uncaughtException', (error) => fail('uncaught exception', error))
process.on('warning', (warning) => fail('warning', warning))

const options = { lockTimeout: 60_000, onError: (error, key) => fail(`in the background, ${key}`, error) }

async function open() {
  const opened = await openStore(folder, options)
  opened.watch({ rescanMs: 1_000, persistent: false }).on('error', (error) => fail('watcher', error))
  return opened
}

let running = true
let operations = 0
const leaked = []

/** A lane has a store, or one after the other; all share what is shared within a process. */
async function work(number) {
  let store = await open()
  const lane = new Lane(`${seed}${'abc'[number]}`, Number(seed) * LANES + number, () => store)
  await lane.begin()
  for (let i = 1; running; i++) {
    try {
      await lane.step()
    } catch (error) {
      fail(lane.name, error)
    }
    operations++
    if (reopens && i % LIFE === 0) {
      await store.close()
      store = await open()
    }
    // lets the questions of the parent in
    await setImmediate()
  }
  await lane.check().catch((error) => fail(lane.name, error))
  await store.close()
}

function leak() {
  for (let i = 0; i < 10; i++) {
    leaked.push(fs.openSync(folder, 'r'), setInterval(() => {}, 1e9).unref())
    fs.writeFileSync(`${folder}/leaked-${process.pid}-${leaked.length}`, '')
    fs.mkdirSync(`${folder}/.leaked/${process.pid}/${leaked.length}/1/2/3`, { recursive: true })
  }
  leaked.push(Buffer.alloc(3_000_000))
  void Promise.reject(new Error('leaked'))
}

function tell() {
  global.gc()
  const { heapUsed, external, rss } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo().length
  const descriptors = fs.readdirSync('/proc/self/fd').length
  const measured = { memory: heapUsed + external, rss, timers: liveTimers(), resources, descriptors }
  process.send({ operations, ...measured, failures: failures.splice(0) })
}

process.on('message', (what) => {
  if (what === 'stop') running = false
  else tell()
})

const leaking = leaks ? setInterval(leak, 50) : undefined
await Promise.all(Array.from({ length: LANES }, (_, number) => work(number)))
clearInterval(leaking)
tell()
// when its stores are closed, nothing else keeps the process alive
process.disconnect()
