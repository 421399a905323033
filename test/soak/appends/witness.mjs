/**
 * What was acknowledged and what may be gone, told apart from the store: files that only this soak reads.
 *
 * Each writer has a file of records of two numbers, session and message: it is appended to when an append has resolved.
 * Each rewriter has a file of lines: `{"s":SESSION,"floors":{WRITER:NUMBER}}`, written before messages up to those
 * numbers are removed.
 */
import fs from 'node:fs'
import path from 'node:path'

const RECORD_BYTES = 8
/** Sessions from this number on are old: a cleanup takes them, acknowledged messages and all, to the trash. */
export const OLD = 1_000

export function keyOf(session) {
  if (session === 0) return 'one'
  return session < OLD ? `many-${session}` : `old-${session - OLD}`
}

/** The writing end: one file a process. */
export class Witness {
  #fd
  #record = Buffer.alloc(RECORD_BYTES)

  constructor(folder, name) {
    this.#fd = fs.openSync(path.join(folder, name), 'a')
  }

  acknowledged(session, number) {
    this.#record.writeUInt32LE(session, 0)
    this.#record.writeUInt32LE(number, 4)
    fs.writeSync(this.#fd, this.#record)
  }

  mayGo(session, floors) {
    fs.writeSync(this.#fd, `${JSON.stringify({ s: session, floors })}\n`)
  }
}

/** A file that grows, read as far as it has come. */
class Growing {
  #fd
  #offset = 0

  constructor(file) {
    this.#fd = fs.openSync(file, 'r')
  }

  /** What came since, up to what `wholeIn` says is whole. */
  read(wholeIn) {
    const size = fs.fstatSync(this.#fd).size - this.#offset
    const bytes = Buffer.alloc(Math.max(0, size))
    const whole = wholeIn(bytes.subarray(0, fs.readSync(this.#fd, bytes, 0, bytes.length, this.#offset)))
    this.#offset += whole.length
    return whole
  }
}

/** The reading end: numbers by session and writer. */
export class Witnesses {
  #folder
  #files = new Map()
  /** The greatest number that was acknowledged. */
  acknowledged = new Map()
  /** The greatest number that may be gone. */
  floors = new Map()

  constructor(folder) {
    this.#folder = folder
  }

  /** Those files whose name ends in `kind`: `.acks` or `.floors`. */
  look(kind) {
    for (const name of fs.readdirSync(this.#folder)) {
      if (!name.endsWith(kind)) continue
      const file = this.#files.get(name) ?? new Growing(path.join(this.#folder, name))
      this.#files.set(name, file)
      if (kind === '.acks') this.#takeRecords(name.slice(0, -kind.length), file)
      else this.#takeFloors(file)
    }
    return this
  }

  #takeRecords(writer, file) {
    const bytes = file.read((all) => all.subarray(0, all.length - (all.length % RECORD_BYTES)))
    for (let at = 0; at < bytes.length; at += RECORD_BYTES)
      raise(this.acknowledged, bytes.readUInt32LE(at), writer, bytes.readUInt32LE(at + 4))
  }

  #takeFloors(file) {
    const bytes = file.read((all) => all.subarray(0, all.lastIndexOf(0x0a) + 1))
    for (const line of bytes.toString().split('\n')) {
      if (line === '') continue
      const { s, floors } = JSON.parse(line)
      for (const [writer, number] of Object.entries(floors)) raise(this.floors, s, writer, number)
    }
  }

  /** A copy: what is known now. */
  of(session, what) {
    return new Map(this[what].get(session))
  }
}

function raise(map, session, writer, number) {
  if (!map.has(session)) map.set(session, new Map())
  const numbers = map.get(session)
  if ((numbers.get(writer) ?? 0) < number) numbers.set(writer, number)
}

/**
 * What is wrong with the messages of a session: `acknowledged` as of before they were read, `floors` as of after it.
 * Each writer's numbers are 1, 2, 3, …, in this order, from above its floor to at least what was acknowledged.
 */
export function faultsIn(session, messages, acknowledged, floors) {
  const faults = []
  const numbers = new Map()
  for (const { w, n } of messages) {
    if (w === undefined) continue
    const before = numbers.get(w)
    if (before === undefined) {
      if (n > (floors.get(w) ?? 0) + 1) faults.push(`${w} begins with ${n}, above ${floors.get(w) ?? 0}`)
    } else if (n !== before + 1) faults.push(`${w}: ${n} stands behind ${before}`)
    numbers.set(w, n)
  }
  for (const [writer, number] of acknowledged) {
    if ((floors.get(writer) ?? 0) < number && (numbers.get(writer) ?? 0) < number)
      faults.push(`${writer} ends with ${numbers.get(writer) ?? 'nothing'} of ${number}`)
  }
  return faults.map((fault) => `${keyOf(session)}: ${fault}`)
}
