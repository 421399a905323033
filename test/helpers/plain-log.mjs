/** A log read without the library: what a person with JSON.parse and the format's description would make of it. */
import fs from 'node:fs'

/**
 * Live messages of a log in order, and how far the last compaction archives them. A line that does not parse is what is
 * left of a killed writer: it is passed over. Of lines with one id the first counts.
 */
export function plainLog(file) {
  const messages = []
  const removed = new Set()
  const ids = new Set()
  let through = null
  for (const text of linesOf(fs.readFileSync(file))) {
    const line = parse(text)
    if (line === undefined || ids.has(line.id)) continue
    if (line.id !== undefined) ids.add(line.id)
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

function parse(bytes) {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

function* linesOf(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const feed = bytes.indexOf(0x0a, at)
    const end = feed === -1 ? bytes.length : feed
    yield bytes.subarray(at, end)
    at = end + 1
  }
}
