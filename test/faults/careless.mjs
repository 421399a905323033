// A store with planted bugs, for the proof that the matrix finds them: CARELESS names the bug.
import fs from 'node:fs'
import { openStore as open } from '../../dist/lib/index.js'

const line = (content) => `${JSON.stringify({ role: 'user', content })}\n`

/** What is done badly, by the name of the bug. */
const BUGS = {
  /** A rewrite in place: a crash or a full disk in between costs the session. */
  'rewrite in place': (session) => ({
    async rewrite() {
      const lines = fs.readFileSync(session.path, 'utf8').split('\n')
      const kept = lines.filter((text) => !/"content":"3"|"type":"remove"|^DAMAGED|^$/.test(text))
      const aside = `${session.path}/../.quarantine/${session.key}`.replace(/[^/]+\/\.\.\//, '')
      fs.mkdirSync(aside, { recursive: true })
      fs.writeFileSync(`${aside}/0.bin`, lines.join('\n'))
      const fd = fs.openSync(session.path, 'w')
      try {
        for (const text of kept) fs.writeSync(fd, `${text}\n`)
      } finally {
        fs.closeSync(fd)
      }
      return { dropped: 1, purged: 0, quarantined: 0 }
    },
  }),
  /** Resolves before anything is written. */
  'acknowledged before written': (session) => ({
    async append(message) {
      setTimeout(() => session.append(message).catch(() => {}), 5)
      return 'id'
    },
  }),
  /** The count of a write is ignored. */
  'short write taken for a whole one': (session) => ({
    async append(message) {
      if (session.key !== 'a' || !fs.existsSync(session.path)) return session.append(message)
      const fd = fs.openSync(session.path, 'a')
      const bytes = Buffer.from(line(message.content))
      try {
        fs.writeSync(fd, bytes, 0, bytes.length)
      } finally {
        fs.closeSync(fd)
      }
      return 'id'
    },
  }),
  /** An outage reads as "empty". */
  'error taken for empty': (session) => ({ messages: () => session.messages().catch(() => []) }),
}

export async function openStore(folder, options) {
  const store = await open(folder, options)
  const make = BUGS[process.env.CARELESS]
  const sessionOf = store.session.bind(store)
  store.session = (key) => {
    const session = sessionOf(key)
    const bad = make(session)
    return new Proxy(session, {
      get: (_, method) =>
        bad[method] ?? (typeof session[method] === 'function' ? session[method].bind(session) : session[method]),
    })
  }
  return store
}
