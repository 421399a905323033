/** References under which messages came: by them a second delivery of a message is known. */
import { isV7, timeInId } from '../base/ids.js'
import { isObject, type Json } from '../base/json.js'
import type { Line, Piece } from './line.js'
import { isLive, knownId, type Visibility } from './visibility.js'
import { refOf } from './waiting.js'

/** A reference, and the id of the message that came under it. */
export type KnownRef = [ref: string, id: string]

/** So many references are remembered, and all of the last day. */
const MOST_REFS = 1_000
const MEMORY_MS = 24 * 60 * 60 * 1000

/** References of messages that rewrites took out, as a `meta` line carries them over. */
export function carriedRefs(line: Line): KnownRef[] {
  const carried = line.kind === 'meta' && isObject(line.value.set) ? line.value.set.carriedRefs : undefined
  return Array.isArray(carried) ? carried.filter(isKnownRef) : []
}

function isKnownRef(value: Json): value is KnownRef {
  return Array.isArray(value) && value.length === 2 && value.every((text) => typeof text === 'string')
}

/** Those of messages that a rewrite takes out, behind the ones that it carries over: of one reference the former counts. */
export function withFormer(former: readonly KnownRef[], dropped: readonly KnownRef[]): KnownRef[] {
  const carried = new Set(former.map(([ref]) => ref))
  return [...former, ...dropped.filter(([ref]) => !carried.has(ref))]
}

/** Those of them that are still remembered at a time, given and returned oldest first. */
export function rememberedOf(refs: readonly KnownRef[], now: string): KnownRef[] {
  return refs.filter(([, id], place) => place >= refs.length - MOST_REFS || isRecent(id, now))
}

/** Decided by the id: an id that contains no time is not recent. */
function isRecent(id: string, now: string): boolean {
  return isV7(id) && timeInId(id) > Date.parse(now) - MEMORY_MS
}

/** The references in a log. */
export class RefMemory {
  readonly #refs = new Map<string, string>()
  readonly #carried = new Map<string, string>()
  #messages = 0

  /** The id of the message that came under a reference; those of dropped messages came first. */
  idOf(ref: string): string | undefined {
    return this.#carried.get(ref) ?? this.#refs.get(ref)
  }

  /** Adds a line behind all that were added. */
  addNext(line: Line, visibility: Visibility): void {
    this.#addCarried(line)
    const ref = refOf(line)
    if (ref !== undefined && isLive(line, visibility) && !this.#refs.has(ref))
      this.#refs.set(ref, knownId(line, visibility))
  }

  /** Adds a line before all that were added; true as soon as those before it need not be remembered. */
  addFormer(line: Line, visibility: Visibility, now: string): boolean {
    this.#addCarried(line)
    const ref = refOf(line)
    if (ref === undefined || !isLive(line, visibility)) return false
    const id = knownId(line, visibility)
    this.#refs.set(ref, id)
    this.#messages++
    return this.#messages >= MOST_REFS && !isRecent(id, now)
  }

  #addCarried(line: Line): void {
    for (const [ref, id] of carriedRefs(line)) if (!this.#carried.has(ref)) this.#carried.set(ref, id)
  }

  /** Drops the references of these messages. */
  remove(ids: ReadonlySet<string>): void {
    for (const [ref, id] of this.#refs) if (ids.has(id)) this.#refs.delete(ref)
  }

  get size(): number {
    return this.#refs.size + this.#carried.size
  }

  entries(): Map<string, string> {
    return new Map([...this.#refs, ...this.#carried])
  }
}

/** All references of a log in memory. */
export function refsOf(pieces: readonly Piece[], visibility: Visibility): RefMemory {
  const memory = new RefMemory()
  for (const piece of pieces) if (piece.kind === 'message' || piece.kind === 'meta') memory.addNext(piece, visibility)
  return memory
}
