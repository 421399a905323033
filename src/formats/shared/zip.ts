/** The files in a .zip. Pure: the caller passes a function that reads bytes by place. */
import { inflateRawSync } from 'node:zlib'
import type { SourceFolder } from './job.js'

const END = 0x06054b50
const ENTRY = 0x02014b50
/** The end record and the longest comment behind it. */
const END_BYTES = 22 + 65_535
/** A file that is larger than this is not unpacked. */
const MAX_FILE_BYTES = 512 * 1024 * 1024

interface Entry {
  offset: number
  packed: number
  size: number
  method: number
}

type Read = (offset: number, length: number) => Buffer

/** Undefined for what is no .zip, or one in 64-bit form or in parts. */
export function zipFolder(read: Read, size: number): Pick<SourceFolder, 'list' | 'read'> | undefined {
  const tail = read(Math.max(0, size - END_BYTES), Math.min(size, END_BYTES))
  let place = tail.length - 22
  while (place >= 0 && tail.readUInt32LE(place) !== END) place--
  if (place < 0) return undefined
  const [bytes, offset] = [tail.readUInt32LE(place + 12), tail.readUInt32LE(place + 16)]
  if (offset + bytes > size) return undefined
  const entries = entriesIn(read(offset, bytes))
  return { list: (folder) => namesIn(entries, folder), read: (file) => unpack(read, entries.get(file)) }
}

function entriesIn(directory: Buffer): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === ENTRY; ) {
    const [nameLength, extra, comment] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ]
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength).replace(/^\.\//, '')
    const entry = {
      method: directory.readUInt16LE(at + 10),
      packed: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    }
    if (!name.endsWith('/') && !name.split('/').includes('..')) entries.set(name, entry)
    at += 46 + nameLength + extra + comment
  }
  // an archive of one folder is that folder
  const tops = new Set([...entries.keys()].map((name) => name.slice(0, name.indexOf('/') + 1)))
  const [top] = tops
  if (tops.size !== 1 || top === undefined || top === '') return entries
  return new Map([...entries].map(([name, entry]) => [name.slice(top.length), entry]))
}

function namesIn(entries: ReadonlyMap<string, Entry>, folder: string): string[] {
  const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`
  const names = new Set<string>()
  for (const name of entries.keys()) {
    if (!name.startsWith(prefix)) continue
    const rest = name.slice(prefix.length)
    const slash = rest.indexOf('/')
    names.add(slash === -1 ? rest : rest.slice(0, slash + 1))
  }
  return [...names].sort((a, b) => (a < b ? -1 : 1))
}

function unpack(read: Read, entry: Entry | undefined): Buffer | undefined {
  if (entry === undefined || entry.size > MAX_FILE_BYTES) return undefined
  const head = read(entry.offset, 30)
  if (head.length < 30) return undefined
  const start = entry.offset + 30 + head.readUInt16LE(26) + head.readUInt16LE(28)
  const bytes = read(start, entry.packed)
  if (entry.method === 0) return bytes
  return entry.method === 8 ? inflateRawSync(bytes, { maxOutputLength: MAX_FILE_BYTES }) : undefined
}
