/**
 * Watches in a process of its own: node watch-process.mjs store|folder|events FOLDER
 * `store` and `folder` tell how long it took to be ready and what it costs; `events` sends a message for each event.
 */
import fs from 'node:fs'
import { openStore } from '../../../dist/lib/index.js'

const [what, dir] = process.argv.slice(2)

async function watchFolder() {
  const { watch } = await import('chokidar')
  const watcher = watch(dir)
  let started = 0
  watcher.on('add', () => started++)
  await new Promise((resolve) => watcher.once('ready', resolve))
  return { started: () => started, close: () => watcher.close() }
}

async function watchStore(store) {
  const watcher = store.watch()
  let started = 0
  watcher.on('started', () => started++)
  await watcher.ready
  return { started: () => started, close: () => watcher.close() }
}

/** Memory in use, of the heap and of the whole process. */
function memory() {
  globalThis.gc()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

function inotifyWatches() {
  let watches = 0
  for (const fd of fs.readdirSync('/proc/self/fdinfo')) {
    try {
      watches += (fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify wd:/gm) ?? []).length
    } catch {
      // closed since the folder was read
    }
  }
  return watches
}

const store = await openStore(dir)
if (what === 'events') {
  const watcher = store.watch()
  await watcher.ready
  for (const type of ['started', 'finished']) watcher.on(type, () => process.send(type))
  process.send('ready')
  process.on('disconnect', () => process.exit())
} else {
  const before = memory()
  const start = performance.now()
  const watching = await (what === 'store' ? watchStore(store) : watchFolder())
  const milliseconds = performance.now() - start
  const after = memory()
  const bytes = Math.max(after.heap - before.heap, after.rss - before.rss)
  console.log(JSON.stringify({ milliseconds, bytes, watches: inotifyWatches(), started: watching.started() }))
  await watching.close()
  await store.close()
}
