/** A log read without the library: what a person with JSON.parse and the format's description would make of it. */
import fs from 'node:fs'

/**
 * Live messages of a log in order, and how far the last compaction archives them. A last line without line feed that
 * does not parse is passed over. @throws SyntaxError for any other line that does not parse
 */
export function plainLog(file) {
  const messages = []
  const removed = new Set()
  let through = null
  for (const text of linesOf(fs.readFileSync(file))) {
    const line = parse(text)
    if (line === undefined) continue
    if (line.type === 'remove') for (const id of line.ids) removed.add(id)
    else if (line.type === 'compaction') through = line.through
    else if (typeof line.role === 'string') messages.push({ id: line.id, text: String(line.content).split(' ')[0] })
  }
  const archived = messages.findIndex(({ id }) => id === through) + 1
  const live = messages.filter(({ id }) => !removed.has(id))
  return {
    texts: live.map(({ text }) => text),
    archived: messages
      .slice(0, archived)
      .filter(({ id }) => !removed.has(id))
      .map(({ text }) => text),
  }
}

function parse({ bytes, open }) {
  try {
    return JSON.parse(bytes.toString())
  } catch (error) {
    if (open) return undefined
    throw error
  }
}

function* linesOf(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at)
    if (end === -1) yield { bytes: bytes.subarray(at), open: true }
    else yield { bytes: bytes.subarray(at, end), open: false }
    at = end === -1 ? bytes.length : end + 1
  }
}
