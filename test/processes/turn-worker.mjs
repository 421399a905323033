// A bot in another process: turn-worker.mjs FOLDER. Does what it is told by messages, and tells what it does.
import { openStore } from '../../dist/lib/index.js'

const [folder] = process.argv.slice(2)
const store = await openStore(folder)
const session = store.session('ann')
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const tell = (what) => process.send(what)

const work = {
  /** A turn that lasts until its end or its signal, drafting meanwhile. */
  async turn({ ms = 60_000, draft, say, id, takes }) {
    const result = await session.turn(
      async (turn) => {
        if (say) await turn.append({ role: 'assistant', content: say })
        if (draft) turn.draft(draft)
        tell({ began: turn.input.map(({ message }) => message.content), attempt: turn.attempt })
        turn.signal.addEventListener('abort', () => tell({ aborted: turn.signal.reason.code }))
        await Promise.race([
          sleep(ms),
          new Promise((_, reject) => {
            turn.signal.addEventListener('abort', () => reject(turn.signal.reason))
          }),
        ])
        if (takes) await turn.take()
        await turn.answer({ role: 'assistant', content: `answer of ${process.pid}` })
        return turn.input.length
      },
      id ? { id } : {},
    )
    return { result }
  },
  /** Holds the event loop in the middle of a turn. */
  async block({ ms }) {
    await session.turn(async (turn) => {
      tell({ began: turn.input.length })
      await sleep(50)
      const end = performance.now() + ms
      while (performance.now() < end);
      await turn.answer({ role: 'assistant', content: 'late' })
    })
    return { done: true }
  },
  /** Receives every reference in some order and answers what waits, again and again. */
  async serve({ refs, seed }) {
    let state = seed
    const random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state / 2 ** 32
    }
    const order = Array.from({ length: refs }, (_, n) => [random(), n]).sort(([a], [b]) => a - b)
    let answered = 0
    for (const [, n] of order) {
      const result = await session.turn(
        { role: 'user', content: `question ${n}` },
        async (turn) => {
          if (random() < 0.2) await sleep(random() * 4)
          await turn.answer({ role: 'assistant', content: `answer to ${turn.input.length}` })
          return turn.input.length
        },
        { ref: `ref-${n}` },
      )
      answered += result ?? 0
    }
    return { answered }
  },
}

process.on('message', async ({ what, ...options }) => {
  try {
    tell({ done: await work[what](options) })
  } catch (error) {
    tell({ failed: error.code ?? String(error) })
  }
})
tell('ready')
