// One of many that want the same lease: contender.mjs FOLDER ROUNDS
// In each round it proves that it is alone: a witness file that only one process at a time can make.
import fs from 'node:fs'
import path from 'node:path'
import { Leases } from '../../dist/internals/leases.js'

const [folder, rounds] = process.argv.slice(2)
const locks = path.join(folder, '.locks')
const witness = path.join(folder, 'witness')
const lease = new Leases(path.dirname(locks)).of('s')
const result = { entered: 0, violations: 0 }

process.on('message', async (start) => {
  for (let round = 0; round < Number(rounds); round++) {
    while (Date.now() < start + round * 60) await new Promise((resolve) => setTimeout(resolve, 1))
    await lease.run(async () => {
      if (!claim()) result.violations++
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
      if (fs.readFileSync(witness, 'utf8') !== String(process.pid)) result.violations++
      fs.rmSync(witness)
      result.entered++
    }, 60_000)
    await lease.release()
  }
  process.send(result, () => process.exit(0))
})
process.send('ready')

/** False when another process that still lives has made the witness. */
function claim() {
  try {
    fs.writeFileSync(witness, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  }
}
