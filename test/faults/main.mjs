// npm run test:faults -- [--share 1] [--only PATTERN] [--power DISKS] [--seed N] [--keep-going] [--verbose]
// --share is the part of all faults that are tried, evenly spread. To see it fail: --library FILE, --no-sync.
// Exit code 1 at the first outcome that is neither the old state nor the new one.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { runMatrix } from './matrix.mjs'
import { losePower } from './power.mjs'

const { values } = parseArgs({
  options: {
    share: { type: 'string', default: '0.25' },
    library: { type: 'string', default: new URL('../../dist/lib/index.js', import.meta.url).href },
    power: { type: 'string', default: '600' },
    seed: { type: 'string', default: '1' },
    'no-sync': { type: 'boolean' },
    only: { type: 'string' },
    'keep-going': { type: 'boolean' },
    verbose: { type: 'boolean' },
  },
})
const say = (text) => process.stdout.write(`${text}\n`)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-faults-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))

const pattern = values.only && new RegExp(values.only)
const only = pattern && ((contract, name) => pattern.test(`${contract}: ${name}`))
const failures = []
if (Number(values.share) > 0) {
  const matrix = await runMatrix({
    ...{ library: values.library, folder, share: Number(values.share), only, keepGoing: values['keep-going'] },
    say: values.verbose ? say : () => {},
  })
  say(`fault matrix: ${matrix.operations} operations, ${matrix.faults} faults injected`)
  for (const [what, number] of Object.entries(matrix.outcomes).sort()) say(`  ${what}: ${number}`)
  failures.push(...matrix.failures)
}
if (Number(values.power) > 0 && failures.length === 0) {
  const { library, seed } = values
  const loss = { library, folder, count: Number(values.power), seed: Number(seed), careless: values['no-sync'] }
  const power = await losePower(loss)
  say(`power loss: ${power.steps} steps with ${power.syncs} syncs recorded, ${power.disks} disks opened`)
  failures.push(...power.failures)
}
for (const failure of failures) say(`FAILED: ${failure}`)
process.exitCode = failures.length === 0 ? 0 : 1
