// One operation under many faults: worker.mjs JOB, a file of JSON. Prints a JSON line for each fault.

import fs from 'node:fs'
import { arm, disarm } from './calls.mjs'
import { faceOf, loadContracts } from './contracts.mjs'
import { litterIn, lostBytes, plain, tell } from './scene.mjs'

const {
  library,
  contract: contractName,
  operation: operationName,
  template,
  scene,
  faults,
  scratch,
} = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
const { openStore } = await import(library)
const contracts = await loadContracts()
const contract = contracts.find(({ name }) => name === contractName)
const operation = contract.operations[operationName]
process.on('unhandledRejection', (error) => {
  answer({ violation: `unhandled rejection: ${error?.stack}` })
  process.exit(1)
})

// at once, not by way of process.stdout: an exit would cut it off
function answer(value) {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`)
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(1, bytes, done)
}
/** All but the one of Node's own, which the first watch of a folder opens for the whole process. */
const descriptors = () =>
  fs.readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return !fs.readlinkSync(`/proc/self/fd/${fd}`).endsWith(':inotify')
    } catch {
      return true
    }
  }).length

async function attempt(fault) {
  const folder = `${scratch}-${fault?.nth ?? 0}`
  fs.rmSync(folder, { recursive: true, force: true })
  fs.cpSync(template, folder, { recursive: true, preserveTimestamps: true })
  let isReported = false
  const onError = () => {
    isReported = true
  }
  const open = () => openStore(folder, { lockTimeout: 2_000, onError })
  const before = descriptors()
  const store = await open()
  let reopened
  const reopen = async () => {
    reopened = await open()
  }
  const outcome = {}
  arm(fault)
  try {
    outcome.result = plain(await operation.run({ store, face: faceOf(contract, store), scene, reopen }))
  } catch (error) {
    outcome.code = error?.code ?? `no code: ${error?.stack}`
  }
  Object.assign(outcome, disarm(), { isReported })
  // what a full disk left of several lines is taken back by the next call of the process
  if (fault?.kind === 'full' && operation.fragment) await store.session(operation.prefix ?? 'a').messages()
  outcome.found = await tell({ openStore }, contracts, folder)
  outcome.lost = lostBytes(folder)
  try {
    const again = operationName === 'close' ? await open() : store
    for (const key of ['a', 'torn', 'chat', 'trip']) {
      await again.session(key).append({ role: 'user', content: 'next' })
      const { content } = (await again.session(key).messages()).at(-1)
      if (content !== 'next') outcome.violation = `the next call on ${key} did not take`
    }
    await again.close()
  } catch (error) {
    outcome.violation = `the next call: ${error?.stack}`
  }
  await reopened?.close()
  await store.close().catch(() => {})
  const last = await open()
  await last.recover()
  await last.close()
  outcome.litter = litterIn(folder)
  await new Promise((resolve) => setImmediate(resolve))
  outcome.leaked = descriptors() - before
  fs.rmSync(folder, { recursive: true, force: true })
  return outcome
}

// what a process does once only, it has done before the calls are counted
const warm = await openStore(`${scratch}-warm`)
await warm.session('a').append({ role: 'user', content: 'x' })
await warm.session('a').setState('idle')
await warm.close()
fs.rmSync(`${scratch}-warm`, { recursive: true, force: true })

if (faults === undefined) answer(await attempt())
else for (const fault of faults) answer({ fault, ...(await attempt(fault)) })
process.exit(0)
