/** What values and adapters are measured beside: a Map, and a file for each key. */
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const build = path.resolve(process.env.BENCH_LIBRARY ?? path.join(import.meta.dirname, '../../../dist'))
export const load = (file) => import(pathToFileURL(path.join(build, 'src', file)).href)
export const { openStore } = await load('index.js')

export const OURS = 'jsonl-sessions'
const MAP = 'Map'
const FILES = 'file per key'
/** A store of ours; `make(store)` returns the operation. */
export function ours(make, { name = OURS, as, most = 2_000, cold = false, fill } = {}) {
  return {
    name,
    as,
    async start(dir) {
      const root = path.join(dir, 'sessions')
      let store = await openStore(root)
      await fill?.(store)
      if (cold) {
        await store.close()
        store = await openStore(root)
      }
      const { operation, before, proof = () => {} } = await make(store, root)
      const stop = () => store.close()
      return { most, operation, before, proof, stop }
    },
  }
}

export function map(make) {
  return {
    name: MAP,
    async start() {
      return { most: 2_000, operation: make(new Map()), proof() {}, stop() {} }
    },
  }
}

/** As the usual file storages write: a file for each key, without a lock. */
export function files(make) {
  return {
    name: FILES,
    async start(dir) {
      const file = (key) => path.join(dir, `${key}.json`)
      const read = async (key) => JSON.parse(await fs.promises.readFile(file(key), 'utf8'))
      const write = (key, value) => fs.promises.writeFile(file(key), JSON.stringify(value))
      const operation = await make({ read, write })
      return { most: 2_000, operation, proof() {}, stop() {} }
    },
  }
}
