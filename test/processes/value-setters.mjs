// Sets values of one log by an adapter, and says after each how many: shared-values.mjs ADAPTER FOLDER MARK COUNT
import { openStore } from '../../dist/src/index.js'

const setters = {
  async keyv(store) {
    const { JsonlKeyvStore } = await import('../../dist/src/adapters/keyv.js')
    const keyv = new JsonlKeyvStore(store)
    return (key, n) => keyv.set(key, JSON.stringify({ value: { n, text: 'x'.repeat(300) } }))
  },
  async unstorage(store) {
    const { default: jsonlDriver } = await import('../../dist/src/adapters/unstorage.js')
    const driver = jsonlDriver({ store })
    return (key, n) => driver.setItem(key, JSON.stringify({ n, text: 'x'.repeat(300) }), {})
  },
  async 'express-session'(store) {
    const { JsonlExpressStore } = await import('../../dist/src/adapters/express-session.js')
    const sessions = new JsonlExpressStore(store)
    const set = (key, n, done) => sessions.set(key, { cookie: {}, n, text: 'x'.repeat(300) }, done)
    return (key, n) => new Promise((resolve, reject) => set(key, n, (error) => (error ? reject(error) : resolve())))
  },
}

const [name, folder, mark, count] = process.argv.slice(2)
const store = await openStore(folder)
const set = await setters[name](store)
for (let n = 0; n < Number(count); n++) {
  await set(`${mark}${n}`, n)
  await set('common', n)
  process.send(n + 1)
}
await store.close()
process.disconnect()
