/**
 * One piece of work in a process of its own; prints how long it took and how much memory.
 *
 *   node process.mjs parse FILE | import FILE FOLDER
 */
import fs from 'node:fs'
import readline from 'node:readline'
import { importFile } from '../../../dist/lib/import-export.js'
import { openStore } from '../../../dist/lib/index.js'
import { peak, resetPeak } from '../memory.mjs'

const [work, file, folder] = process.argv.slice(2)

/** What anybody would write who wants the objects of a file. */
async function parse() {
  let count = 0
  for await (const line of readline.createInterface({ input: fs.createReadStream(file), crlfDelay: Infinity }))
    if (JSON.parse(line) !== null) count++
  return count
}

async function importIt(store) {
  const { sessions, files } = await importFile(store, file, { final: true })
  return { action: sessions[0].action, messages: sessions[0].messages, lines: files[0].lines }
}

const store = work === 'parse' ? undefined : await openStore(folder)
const before = resetPeak()
const [start, used] = [performance.now(), process.cpuUsage()]
const result = work === 'parse' ? await parse() : await importIt(store)
const milliseconds = performance.now() - start
const { user, system } = process.cpuUsage(used)
const memory = peak()
await store?.close()
console.log(JSON.stringify({ milliseconds, cpu: (user + system) / 1000, memory, before, result }))
