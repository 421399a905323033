// A store that another process works with: remote-store.mjs FOLDER OPTIONS
// A clock that can be set needs the option `offset`: how far it is ahead, ms.
import fs from 'node:fs'
import { openStore } from '../../dist/lib/index.js'

const [folder, options] = process.argv.slice(2)
let { offset, ...others } = JSON.parse(options)
const clock = offset === undefined ? {} : { now: () => Date.now() + offset }
const store = await openStore(folder, { ...others, ...clock })

const own = {
  ready: () => true,
  /** Holds the event loop. */
  stall(ms) {
    const end = performance.now() + ms
    while (performance.now() < end);
    return true
  },
  setOffset(ms) {
    offset = ms
  },
  close: () => store.close(),
  list: () => store.list(),
  search: (words) => store.search(words),
  recover: (options) => store.recover(options),
  cleanup: (options) => store.cleanup(options),
  /** Recovers by a function that adds a line to a file and takes its time. */
  async recoverSlowly(file, ms) {
    const action = async ({ key }) => {
      fs.appendFileSync(file, `${key}\n`)
      await new Promise((resolve) => setTimeout(resolve, ms))
    }
    return store.recover({ action })
  },
  /** Recovers with a note, and dies before the state is said. */
  async recoverAndDie() {
    const { writeSync } = fs
    fs.writeSync = (fd, bytes, ...rest) => {
      if (String(bytes).includes('"state":"idle"')) process.kill(process.pid, 'SIGKILL')
      return writeSync(fd, bytes, ...rest)
    }
    await store.recover({ action: 'interrupt' })
  },
  exit: () => setImmediate(() => process.exit(0)),
  /** Appends without a pause until `stop` is called. */
  async flood(key) {
    let count = 0
    for (flooding = true; flooding; count++) {
      await store.session(key).append({ role: 'user', content: `flood ${count}` })
      if (count % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    return count
  },
  stop() {
    flooding = false
  },
}
let flooding = false

process.on('message', async ({ id, method, args }) => {
  try {
    const value = own[method] ? await own[method](...args) : await store.session(args[0])[method](...args.slice(1))
    process.send({ id, value })
  } catch (error) {
    process.send({ id, error: { code: error.code, message: error.message } })
  }
})
