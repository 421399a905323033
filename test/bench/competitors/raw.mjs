/**
 * The limit: the least that plain files cost in Node. One process, no lease, no ids, no checks, nothing is flushed;
 * a stat before each write stands for the fence. Not a store to use.
 */
import fs from 'node:fs'
import path from 'node:path'

const LF = 0x0a
const COMMA = 0x2c
const OPEN_FILES = 512
const BLOCK = 64 * 1024
const SUFFIX = '.meta.json'
const RUNNING = '.running'
const SESSION = '019aa1b2-0000-7000-8000-000000000000'
/** Stands for the id and the time of a line, so that the limit writes as many bytes as a store. */
const STAMP = '{"id":"019aa1b2-0000-7000-8000-000000000000","at":"2026-11-21T07:00:00.000Z",'
const UNDO =
  '{"type":"remove","undo":true,"id":"019aa1b2-0000-7000-8000-000000000000","at":"2026-11-21T07:00:00.000Z"}\n'

export function lineOf(message) {
  return `${STAMP}${JSON.stringify(message).slice(1)}\n`
}

export class Raw {
  static title = 'raw limit'

  static async open(dir) {
    return new Raw(dir)
  }

  constructor(dir) {
    this.dir = dir
    this.files = new Map()
    /** About each session, and all of them in a ring from the newest to the oldest activity. */
    this.about = new Map()
    this.ring = { newer: null, older: null }
    this.ring.newer = this.ring.older = this.ring
    this.block = Buffer.allocUnsafeSlow(BLOCK)
    for (const about of this.sidecars().sort((a, b) => a.lastActivity - b.lastActivity)) this.add(about)
  }

  append(key, message) {
    const about = this.about.get(key) ?? this.create(key)
    this.write(key, lineOf(message))
    about.messages++
    about.lastActivity = Date.now()
    this.bringForward(about)
  }

  fill(key, messages) {
    const about = this.about.get(key) ?? this.create(key)
    this.write(key, messages.map(lineOf).join(''))
    about.messages += messages.length
    about.lastActivity = Date.now()
    this.bringForward(about)
    const { newer, older, ...row } = about
    fs.writeFileSync(path.join(this.dir, key + SUFFIX), JSON.stringify(row))
  }

  /** The whole file, its line feeds patched to commas, one JSON.parse per block of whole lines. */
  load(key) {
    const bytes = fs.readFileSync(this.log(key))
    const messages = []
    for (let start = 0; start < bytes.length; ) {
      let end = bytes.indexOf(LF, start + BLOCK)
      if (end < 0) end = bytes.length - 1
      for (let at = bytes.indexOf(LF, start); at < end; at = bytes.indexOf(LF, at + 1)) bytes[at] = COMMA
      for (const line of JSON.parse(`[${bytes.utf8Slice(start, end)}]`)) {
        if (line.undo) messages.pop()
        else messages.push(line)
      }
      start = end + 1
    }
    return messages
  }

  /** From open to close, blocks read backwards. */
  last(key, count) {
    const file = fs.openSync(this.log(key))
    try {
      let start = fs.fstatSync(file).size
      let rest = Buffer.alloc(0)
      let undone = 0
      const found = []
      while (start > 0 && found.length < count) {
        const length = Math.min(BLOCK / 2, start)
        start -= length
        fs.readSync(file, this.block, 0, length, start)
        const bytes =
          rest.length === 0 ? this.block.subarray(0, length) : Buffer.concat([this.block.subarray(0, length), rest])
        let end = bytes.length
        while (end > 0 && found.length < count) {
          const before = end < 2 ? -1 : bytes.lastIndexOf(LF, end - 2)
          if (before < 0 && start > 0) break
          const line = JSON.parse(bytes.utf8Slice(before + 1, end))
          if (line.undo) undone++
          else if (undone > 0) undone--
          else found.push(line)
          end = before + 1
        }
        rest = Buffer.from(bytes.subarray(0, end))
      }
      return found.reverse()
    } finally {
      fs.closeSync(file)
    }
  }

  list() {
    return this.newest(Number.POSITIVE_INFINITY)
  }

  newest(count) {
    const rows = []
    for (let about = this.ring.older; about !== this.ring && rows.length < count; about = about.older) {
      rows.push(metadata(about))
    }
    return rows
  }

  metadata(key) {
    return metadata(this.about.get(key))
  }

  removeLast(key) {
    this.write(key, UNDO)
    this.about.get(key).messages--
    return true
  }

  setName(key, name) {
    this.write(key, `{"type":"meta",${STAMP.slice(1)}"set":${JSON.stringify({ name })}}\n`)
    this.about.get(key).name = name
  }

  /** A line in a file of this process, which is looked at as a log is. */
  setState(key, state, turnId) {
    const about = this.about.get(key)
    about.state = state
    about.turnId = turnId
    about.turnStartedAt = Date.now()
    this.running ??= fs.openSync(path.join(this.dir, RUNNING), 'a')
    const at = new Date(about.turnStartedAt).toISOString()
    fs.writeSync(this.running, `${JSON.stringify({ key, state, turnId, n: about.messages, at, session: SESSION })}\n`)
    fs.statSync(path.join(this.dir, RUNNING))
  }

  close() {
    if (this.running !== undefined) fs.closeSync(this.running)
    for (const file of this.files.values()) fs.closeSync(file)
  }

  create(key) {
    const now = Date.now()
    return this.add({ key, name: null, createdAt: now, lastActivity: now, messages: 0, state: 'idle' })
  }

  write(key, text) {
    const file = this.file(key)
    fs.statSync(this.log(key))
    fs.writeSync(file, text)
  }

  file(key) {
    const open = this.files.get(key)
    if (open !== undefined) return open
    const file = fs.openSync(this.log(key), 'a')
    this.files.set(key, file)
    if (this.files.size > OPEN_FILES) {
      const [oldest, its] = this.files.entries().next().value
      this.files.delete(oldest)
      fs.closeSync(its)
    }
    return file
  }

  sidecars() {
    const names = fs.readdirSync(this.dir).filter((name) => name.endsWith(SUFFIX))
    return names.map((name) => {
      fs.statSync(this.log(name.slice(0, -SUFFIX.length)))
      const file = fs.openSync(path.join(this.dir, name))
      const length = fs.readSync(file, this.block, 0, BLOCK, 0)
      fs.closeSync(file)
      return JSON.parse(this.block.utf8Slice(0, length))
    })
  }

  add(about) {
    this.about.set(about.key, about)
    this.bringForward(about)
    return about
  }

  bringForward(about) {
    if (this.ring.older === about) return
    if (about.newer) {
      about.newer.older = about.older
      about.older.newer = about.newer
    }
    about.newer = this.ring
    about.older = this.ring.older
    this.ring.older.newer = about
    this.ring.older = about
  }

  log(key) {
    return path.join(this.dir, `${key}.jsonl`)
  }
}

function metadata({ key, name, createdAt, lastActivity, messages, state, turnId, turnStartedAt }) {
  return {
    key,
    name,
    createdAt: new Date(createdAt),
    lastActivity: new Date(lastActivity),
    messages,
    state,
    turnId: turnId ?? null,
    turnStartedAt: turnStartedAt === undefined ? null : new Date(turnStartedAt),
  }
}
