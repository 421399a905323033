/** UUIDv7: ids that sort by time, random or derived from content. */
import { createHash, randomUUID } from 'node:crypto'

const V7_SHAPE = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const MAX_MS = 2 ** 48 - 1
const MAX_SEQ = 2 ** 32 - 1
/** Every byte in hex. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** An id with fresh random bits. Node makes UUIDs in batches, which is cheaper than random bytes for each id. */
function freshId(ms: number, seq: number): string {
  return idOf(ms, seq, randomUUID().slice(-12))
}

/** True for a UUIDv7 in its usual spelling: of two such ids the later one is the greater string. */
export function isV7(id: string): boolean {
  return id.length === 36 && id.charCodeAt(14) === 0x37 && V7_SHAPE.test(id)
}

/** When a UUIDv7 was made, Unix milliseconds. */
export function timeInId(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
}

/** A fresh id that sorts before a UUIDv7, as if it had been made a moment earlier. */
export function idBefore(id: string): string {
  return freshId(Math.max(timeInId(id) - 1, 0), 0)
}

/** An id after a UUIDv7, the same on every machine for the same `seed`. */
export function derivedId(after: string, seed: string): string {
  const random = createHash('sha256').update(seed).digest().toString('hex', 10, 16)
  return idOf(Math.min((isV7(after) ? timeInId(after) : 0) + 1, MAX_MS), 0, random)
}

/** A UUIDv7 of time `ms` (Unix milliseconds) with 74 bits of a digest: equal input returns equal ids. */
export function digestId(ms: number, digest: Buffer): string {
  const time = Math.min(Math.max(Math.trunc(ms) || 0, 0), MAX_MS)
    .toString(16)
    .padStart(12, '0')
  const hex = digest.toString('hex', 0, 10)
  const variant = (8 | (digest[2]! & 3)).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(5, 8)}-${hex.slice(8, 20)}`
}

/** 16 random hex digits, of the random parts of a UUID: see `freshId`. */
export function randomNonce(): string {
  const id = randomUUID()
  return `${id.slice(0, 8)}${id.slice(9, 13)}${id.slice(-4)}`
}

/**
 * Makes UUIDv7 ids that rise strictly, also while the clock stands still or steps back.
 * The clock is given with each call, so that one `now` of the store decides ids and times alike.
 */
export class IdSource {
  #ms = -1
  #seq = 0

  /** The next id for time `ms` (Unix milliseconds), greater than `after` if that is a UUIDv7. */
  next(ms: number, after?: string): string {
    const time = Math.min(Math.max(Math.trunc(ms) || 0, 0), MAX_MS)
    if (time > this.#ms) this.#set({ msecs: time, seq: Math.trunc(Math.random() * 2 ** 30) })
    else this.#set(successor(this.#ms, this.#seq))
    const id = freshId(this.#ms, this.#seq)
    if (after === undefined || id > after || !isV7(after)) return id
    // a log that is ahead of the clock must not take the ids of other logs along
    const place = placeOf(after)
    const { msecs, seq } = successor(place.ms, place.seq)
    return freshId(msecs, seq)
  }

  #set({ msecs, seq }: { msecs: number; seq: number }): void {
    this.#ms = msecs
    this.#seq = seq
  }
}

function successor(msecs: number, seq: number): { msecs: number; seq: number } {
  return seq < MAX_SEQ ? { msecs, seq: seq + 1 } : { msecs: msecs + 1, seq: 0 }
}

/**
 * The id with this place in time, whose last 42 bits are those of the 12 hex digits in `random`. After the last
 * millisecond there is comes the first.
 */
function idOf(ms: number, seq: number, random: string): string {
  const time = ms % (MAX_MS + 1)
  const high = Math.floor(time / 2 ** 16)
  const low = ((seq & 0xfffff) << 10) | (Number.parseInt(random.slice(0, 4), 16) & 0x3ff)
  const group = `${hex4(high >>> 16)}${hex4(high)}-${hex4(time % 2 ** 16)}-${hex4(0x7000 | (seq >>> 20))}`
  return `${group}-${hex4(0x8000 | (low >>> 16))}-${hex4(low)}${random.slice(4)}`
}

/** The last 16 bits of a number. `toString(16)` costs several times as much. */
function hex4(value: number): string {
  return `${HEX[(value >>> 8) & 0xff]}${HEX[value & 0xff]}`
}

/** Time and sequence number inside a UUIDv7: 48 bits, then 12 + 20 bits around version and variant. */
function placeOf(id: string): { ms: number; seq: number } {
  const hex = id.replaceAll('-', '')
  const high = Number.parseInt(hex.slice(13, 16), 16)
  const low = (BigInt(`0x${hex.slice(16, 24)}`) >> 10n) & 0xfffffn
  return { ms: Number.parseInt(hex.slice(0, 12), 16), seq: high * 2 ** 20 + Number(low) }
}
