/** The usual plain-file way: a lock around fs.promises.appendFile, and a sidecar that is replaced at every change. */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import lockfile from 'proper-lockfile'
import writeFileAtomic from 'write-file-atomic'

/** Unbounded, as such code often is, a list of many sessions ends in EMFILE. */
const AT_ONCE = 64
/** Without them a second process is refused. */
const RETRIES = { retries: 1000, factor: 1.2, minTimeout: 2, maxTimeout: 50 }

export class Naive {
  static title = 'naive'

  static async open(dir) {
    return new Naive(dir)
  }

  constructor(dir) {
    this.dir = dir
  }

  async append(key, message) {
    await this.locked(key, async () => {
      const at = new Date().toISOString()
      await fs.promises.appendFile(this.log(key), `${JSON.stringify({ id: randomUUID(), at, ...message })}\n`)
      const about = (await this.about(key)) ?? fresh(key, at)
      await this.replaceAbout(key, { ...about, messages: about.messages + 1, lastActivity: at })
    })
  }

  async fill(key, messages) {
    const at = new Date().toISOString()
    const lines = messages.map((message) => `${JSON.stringify({ id: randomUUID(), at, ...message })}\n`)
    fs.appendFileSync(this.log(key), lines.join(''))
    const about = (await this.about(key)) ?? fresh(key, at)
    const now = { ...about, messages: about.messages + messages.length, lastActivity: at }
    fs.writeFileSync(this.sidecar(key), JSON.stringify(now))
  }

  async load(key) {
    const text = await fs.promises.readFile(this.log(key), 'utf8')
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }

  async last(key, count) {
    return (await this.load(key)).slice(-count)
  }

  async list() {
    const names = (await fs.promises.readdir(this.dir)).filter((name) => name.endsWith('.meta.json'))
    const rows = []
    for (let i = 0; i < names.length; i += AT_ONCE) {
      const some = names.slice(i, i + AT_ONCE).map((name) => fs.promises.readFile(path.join(this.dir, name), 'utf8'))
      for (const text of await Promise.all(some)) rows.push(metadata(JSON.parse(text)))
    }
    return rows.sort((a, b) => b.lastActivity - a.lastActivity)
  }

  async newest(count) {
    return (await this.list()).slice(0, count)
  }

  async metadata(key) {
    return metadata(await this.about(key))
  }

  removeLast(key) {
    return this.locked(key, async () => {
      const messages = await this.load(key)
      if (messages.pop() === undefined) return false
      await writeFileAtomic(this.log(key), messages.map((message) => `${JSON.stringify(message)}\n`).join(''))
      await this.replaceAbout(key, { ...(await this.about(key)), messages: messages.length })
      return true
    })
  }

  setName(key, name) {
    return this.locked(key, async () => this.replaceAbout(key, { ...(await this.about(key)), name }))
  }

  setState(key, state, turnId) {
    const turnStartedAt = new Date().toISOString()
    return this.locked(key, async () =>
      this.replaceAbout(key, { ...(await this.about(key)), state, turnId, turnStartedAt }),
    )
  }

  async search(words) {
    const found = []
    const files = (await fs.promises.readdir(this.dir)).filter((name) => name.endsWith('.jsonl'))
    for (let i = 0; i < files.length; i += AT_ONCE) {
      const hits = await Promise.all(files.slice(i, i + AT_ONCE).map((file) => this.countIn(file, words)))
      found.push(...hits.filter(({ count }) => count > 0))
    }
    return found
      .sort((a, b) => b.count - a.count)
      .slice(0, 50)
      .map(({ key }) => key)
  }

  async countIn(file, words) {
    const lines = (await fs.promises.readFile(path.join(this.dir, file), 'utf8')).trimEnd().split('\n')
    const texts = lines.map((line) => JSON.parse(line).content.toLowerCase())
    const key = file.slice(0, -'.jsonl'.length)
    return { key, count: words.filter((word) => texts.some((text) => text.includes(word))).length }
  }

  close() {}

  async locked(key, work) {
    const release = await lockfile.lock(this.log(key), { realpath: false, retries: RETRIES })
    try {
      return await work()
    } finally {
      await release()
    }
  }

  async about(key) {
    try {
      return JSON.parse(await fs.promises.readFile(this.sidecar(key), 'utf8'))
    } catch (error) {
      if (error.code === 'ENOENT') return undefined
      throw error
    }
  }

  replaceAbout(key, about) {
    return writeFileAtomic(this.sidecar(key), JSON.stringify(about))
  }

  log(key) {
    return path.join(this.dir, `${key}.jsonl`)
  }

  sidecar(key) {
    return path.join(this.dir, `${key}.meta.json`)
  }
}

function fresh(key, at) {
  return {
    key,
    name: null,
    createdAt: at,
    lastActivity: at,
    messages: 0,
    state: 'idle',
    turnId: null,
    turnStartedAt: null,
  }
}

function metadata(about) {
  const { createdAt, lastActivity, turnStartedAt } = about
  return {
    ...about,
    createdAt: new Date(createdAt),
    lastActivity: new Date(lastActivity),
    turnStartedAt: turnStartedAt === null ? null : new Date(turnStartedAt),
  }
}
