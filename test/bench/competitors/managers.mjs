/** Whole sessions behind the contract SessionManager. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { Ours } from './ours.mjs'

const build = path.resolve(process.env.BENCH_LIBRARY ?? path.join(import.meta.dirname, '../../../dist'))
const load = (file) => import(pathToFileURL(path.join(build, 'src', file)).href)
const { JsonlSessionManager } = await load('contracts/session-manager/index.js')

export class OurManager extends Ours {
  static async open(dir) {
    const { store } = await Ours.open(dir)
    return new OurManager(store)
  }

  constructor(store) {
    super(store)
    this.manager = new JsonlSessionManager(store)
  }

  async messages(id) {
    return (await this.manager.resume(id)).messages
  }

  /** A turn later: one counter is another one. */
  save(id, messages, options) {
    const labels = { name: 'n', tags: [], agentName: 'coder', turnCount: messages.length, totalTokens: 0 }
    const metadata = { id, createdAt: 0, updatedAt: 0, ...labels }
    return this.manager.save({ metadata, messages, state: null }, options)
  }

  path(key) {
    return this.store.session(key).path
  }

  fork(key) {
    return this.manager.fork(key)
  }

  delete(key) {
    return this.manager.delete(key)
  }
}
