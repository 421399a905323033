/** The library as built, through its public API only. BENCH_LIBRARY names another build than dist. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const build = path.resolve(process.env.BENCH_LIBRARY ?? path.join(import.meta.dirname, '../../../dist'))
const load = (file) => import(pathToFileURL(path.join(build, 'src', file)).href)
const { openStore } = await load('index.js')
const { bestOf } = await load('search/search.js')
const { searchIndexOf } = await load('search/search-index.js')
const { internalsOf } = await load('store/store.js')
const { JsonlSessionBackend } = await load('contracts/session-backend/index.js')

export class Ours {
  static title = 'jsonl-sessions'

  static async open(dir) {
    return new Ours(await openStore(path.join(dir, 'sessions')))
  }

  constructor(store) {
    this.store = store
  }

  append(key, message) {
    return this.store.session(key).append(message)
  }

  fill(key, messages) {
    return this.store.session(key).append(messages)
  }

  load(key) {
    return this.store.session(key).messages()
  }

  last(key, count) {
    return this.store.session(key).tail(count)
  }

  list() {
    return this.store.list()
  }

  newest(count) {
    return this.store.list({ limit: count })
  }

  metadata(key) {
    return this.store.session(key).info()
  }

  /** Makes the whole index now, as the background does in time. */
  makeSearchIndex() {
    return searchIndexOf(internalsOf(this.store)).makeAll()
  }

  removeLast(key) {
    return this.store.session(key).removeLast()
  }

  setName(key, name) {
    return this.store.session(key).setName(name)
  }

  setState(key, state, turnId) {
    return this.store.session(key).setState(state, turnId)
  }

  async search(words) {
    return (await this.store.search(words.join(' '))).map(({ key }) => key)
  }

  close() {
    return this.store.close()
  }
}

/** A turn by the verb of its own. */
export class OurTurns extends Ours {
  static async open(dir) {
    return new OurTurns(await openStore(path.join(dir, 'sessions')))
  }

  turn(key, question, answer) {
    return this.store.session(key).turn(async (turn) => {
      await turn.append(question)
      await turn.context({ last: 50 })
      await turn.append(answer)
    })
  }
}

/** A search that looks into every log, as one does where there is no index yet. */
export class OursUnindexed extends Ours {
  static async open(dir) {
    return new OursUnindexed(await openStore(path.join(dir, 'sessions')))
  }

  async search(words) {
    const { context, index } = internalsOf(this.store)
    return (await bestOf(context, await index.sessions(), words, 50)).map(({ key }) => key)
  }
}

/** Every append is on disk when it is answered. */
export class OursDurable extends Ours {
  static async open(dir) {
    return new OursDurable(await openStore(path.join(dir, 'sessions'), { fsync: 'always' }))
  }
}

/** The same store behind the interface SessionBackend. */
export class OurBackend extends Ours {
  static title = 'as SessionBackend'

  static async open(dir) {
    return new OurBackend(await openStore(path.join(dir, 'sessions')))
  }

  constructor(store) {
    super(store)
    this.backend = new JsonlSessionBackend(store)
  }

  append(key, message) {
    return this.backend.append(key, message)
  }

  load(key) {
    return this.backend.load(key)
  }

  list() {
    return this.backend.listSessionsWithMetadata()
  }

  removeLast(key) {
    return this.backend.removeLast(key)
  }

  setName(key, name) {
    return this.backend.setSessionName(key, name)
  }

  setState(key, state, turnId) {
    return this.backend.setSessionState(key, state, turnId)
  }
}
