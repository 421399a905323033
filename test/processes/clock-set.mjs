// Watches while the clock is set: clock-set.mjs FOLDER MS
const real = Date.now
let ahead = 0
Date.now = () => real() + ahead

const { openStore } = await import('../../dist/lib/index.js')
const { JsonlSessionBackend } = await import('../../dist/lib/session-backend.js')

const [folder, ms] = process.argv.slice(2)
const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time))
async function until(condition) {
  const end = performance.now() + 30_000
  while (!condition()) {
    if (performance.now() > end) throw new Error(`these events only in 30 s: ${told}`)
    await sleep(20)
  }
}
const store = await openStore(folder)
const told = []
const watcher = store.watch({ stuckAfterMs: 1_500, rescanMs: 300 })
for (const type of ['started', 'stuck']) {
  watcher.on(type, (event) => told.push([type, event.key, event.reason].filter(Boolean).join(' ')))
}
await watcher.ready
await store.session('before').setState('running', 't')
await until(() => told.includes('started before'))
ahead = Number(ms)
await store.session('after').setState('running', 't')
await until(() => told.includes('started after'))
await sleep(500)
const early = [...told]
const older = (await new JsonlSessionBackend(store).listStuckSessions(60)).length
await until(() => told.length >= 4)
process.send({ told: early, late: told.slice(2).sort(), older, moved: Math.abs(store.now() - real() - ahead) < 1_000 })
process.disconnect()
await store.close()
