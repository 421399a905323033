// Cleans up with a clock that is ahead, from the start or after a while: clock-cleanup.mjs FOLDER MS_AT_START MS_LATER
const real = Date.now
const [folder, atStart, later] = process.argv.slice(2)
let ahead = Number(atStart)
Date.now = () => real() + ahead

const { openStore } = await import('../../dist/lib/index.js')
const DAY = 24 * 3_600_000
const rules = { olderThan: 3 * DAY, dryRun: true }

const store = await openStore(folder)
for (const key of ['a', 'b']) await store.session(key).append({ role: 'user', content: 'hello' })
await store.session('a').setState('running', 't')
await store.session('a').setState('idle')
ahead = Number(later)
const inThis = await store.cleanup(rules)
const trash = await store.purgeTrash({ olderThan: DAY, dryRun: true })
await store.close()
// as a process that starts at this time of the clock
const again = await openStore(folder)
const inNext = await again.cleanup(rules)
await again.close()
process.send({ inThis: inThis.removed, inNext: inNext.removed, trash: trash.purged.map(({ key }) => key) })
process.disconnect()
