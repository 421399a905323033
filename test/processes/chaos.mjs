// Takes the same lease as others until it is killed or gets an end message: chaos.mjs FOLDER WITNESS NAME HOW
// WITNESS gets `+ NAME` at the start of each stretch of exclusive work and `- NAME` at its end. HOW `careless`: without
// the lease, to show that the judge notices.
import fs from 'node:fs'
import path from 'node:path'
import { Leases } from '../../dist/internals/leases.js'

const [folder, witness, name, how] = process.argv.slice(2)
const locks = path.join(folder, '.locks')
const lease = new Leases(path.dirname(locks)).of('s')
const log = fs.openSync(witness, 'a')
let running = true
process.on('message', () => {
  running = false
})

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function work() {
  fs.writeSync(log, `+ ${name}\n`)
  await pause(Math.random() < 0.05 ? 50 : Math.random() * 3)
  fs.writeSync(log, `- ${name}\n`)
}

while (running) {
  if (how === 'careless') await work()
  else {
    await lease.run(work, 120_000)
    if (Math.random() < 0.5) await lease.release()
  }
  if (Math.random() < 0.3) await pause(Math.random() * 5)
}
await lease.release()
process.exit(0)
