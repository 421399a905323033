/** Stores to look at. */
import fs from 'node:fs'
import path from 'node:path'
import { openStore } from '../../../dist/lib/index.js'

const WORDS = 'the session keeps every line of a talk in one file that people can read with the tools they have'.split(
  ' ',
)
const RARE = 'xyzzyplugh'

/** Sessions with sidecars, as a bot leaves them. */
export async function manySessions(folder, count) {
  const store = await openStore(folder)
  for (let i = 0; i < count; i += 100) {
    const some = Array.from({ length: Math.min(100, count - i) }, (_, k) => store.session(`telegram_${i + k}`))
    await Promise.all(
      some.map(async (session, k) => {
        await session.append([
          { role: 'user', content: `question ${i + k}` },
          { role: 'assistant', content: 'an answer', usage: { promptTokens: 900, completionTokens: 40 } },
        ])
        if (k % 10 === 0) await session.setName(`Conversation ${i + k}`)
      }),
    )
  }
  await store.list()
  await store.close()
  return folder
}

/** One log of so many bytes; a rare word stands near its end, one message before the last hundred. */
export async function largeLog(folder, size) {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  const fd = fs.openSync(path.join(folder, 'large.jsonl'), 'w', 0o600)
  const start = Date.parse('2026-01-01T00:00:00Z')
  const line = (n, text) => {
    const ms = start + n * 1_000
    const time = ms.toString(16).padStart(12, '0')
    const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`
    const role = n % 2 === 0 ? 'user' : 'assistant'
    return `${JSON.stringify({ role, content: text, at: new Date(ms).toISOString(), id })}\n`
  }
  let bytes = 0
  let n = 0
  for (let block = ''; bytes < size; block = '') {
    for (; block.length < 1024 * 1024; n++) {
      const words = Array.from({ length: 20 + (n % 180) }, (_, k) => WORDS[(n * 7 + k * 3) % WORDS.length])
      block += line(n, `${n}: ${words.join(' ')}`)
    }
    bytes += fs.writeSync(fd, block)
  }
  fs.writeSync(fd, line(n++, `here is ${RARE}`))
  for (let k = 0; k < 99; k++, n++) fs.writeSync(fd, line(n, `tail ${k}`))
  fs.closeSync(fd)
  // the last one as a bot writes it, with a sidecar
  const store = await openStore(folder)
  await store.session('large').append({ role: 'user', content: 'tail 99' })
  await store.session('large').setName('Large')
  await store.close()
  return { folder, key: 'large', rare: RARE, size: fs.statSync(path.join(folder, 'large.jsonl')).size }
}
