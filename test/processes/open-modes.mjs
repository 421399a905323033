// Runs every operation of every contract under a umask that allows everything: open-modes.mjs FOLDER. Says how many
// operations there were, how many files and folders, and which of these others may touch.
import fs from 'node:fs'
import path from 'node:path'
import { faceOf, loadContracts } from '../faults/contracts.mjs'
import { makeScene } from '../faults/scene.mjs'

process.umask(0)
const library = await import('../../dist/lib/index.js')
const contracts = await loadContracts()
const result = { operations: 0, entries: 0, open: [] }

function look(folder, operation) {
  for (const name of ['.', ...fs.readdirSync(folder, { recursive: true })]) {
    const stat = fs.lstatSync(path.join(folder, name))
    result.entries++
    const mode = (stat.mode & 0o777).toString(8)
    if (mode !== (stat.isDirectory() ? '700' : '600')) result.open.push(`${operation}: ${name} has ${mode}`)
  }
}

/** In a folder that was made within one millisecond nothing is old enough for the trash. */
function passUnlessMissing(error) {
  if (error.code !== 'ERR_SESSION_NOT_FOUND') throw error
}

for (const contract of contracts) {
  for (const [name, { run }] of Object.entries(contract.operations)) {
    const folder = path.join(process.argv[2], String(result.operations++), 'sessions')
    const scene = await makeScene(library, contracts, folder)
    const store = await library.openStore(folder)
    const reopened = []
    const reopen = async () => void reopened.push(await library.openStore(folder))
    await run({ store, face: faceOf(contract, store), scene, reopen }).catch(passUnlessMissing)
    look(folder, name)
    for (const one of [store, ...reopened]) await one.close()
    look(folder, `${name}, closed`)
  }
}
process.send(result, () => process.exit(0))
