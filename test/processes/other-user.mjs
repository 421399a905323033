// What a user without special rights gets from a store: other-user.mjs FOLDER UID CALLS [OPTIONS]
// Sends, by call, the value or `{ code }`. A call is the name of a method of the store or of session `a`, and its arguments.
const [folder, uid, calls, options = '{}'] = process.argv.slice(2)
process.setgroups([])
process.setgid(Number(uid))
process.setuid(Number(uid))
const { openStore } = await import('../../dist/lib/index.js')

const outcome = {}
async function attempt(name, work) {
  try {
    outcome[name] = (await work()) ?? null
  } catch (error) {
    outcome[name] = { code: error.code ?? String(error) }
  }
}

let store
await attempt('open', async () => {
  store = await openStore(folder, { lockTimeout: 500, ...JSON.parse(options) })
})
for (const [name, ...args] of store === undefined ? [] : JSON.parse(calls)) {
  await attempt(name, () => (name in store.session('a') ? store.session('a') : store)[name](...args))
}
await attempt('close', () => store?.close())
process.send(outcome)
process.disconnect()
