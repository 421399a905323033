// Runs turns of which everything is warm between two marks that strace sees: warm-turns.mjs FOLDER TURNS WAY
import fs from 'node:fs'
import { openStore } from '../../dist/lib/index.js'

const [folder, turns, way] = process.argv.slice(2)
const store = await openStore(folder)
const message = (role, i) => ({ role, content: `${role} ${i}` })
const sessions = ['a', 'b', 'An odd key'].map((key) => store.session(key))
const asTurn = (session, i) =>
  session.turn(async (turn) => {
    await turn.append(message('user', i))
    await turn.context({ last: 50 })
    await turn.append(message('assistant', i))
  })
const received = async (session, i) => {
  await session.receive(message('user', i), { ref: `r${i}` })
  await session.turn(async (turn) => {
    await turn.context({ last: 50 })
    await turn.answer(message('assistant', i))
  })
}
const byStates = async (session, i) => {
  await session.setState('running', `t${i}`, { exclusive: way === 'exclusive' })
  await session.append(message('user', i))
  await session.messages({ last: 50 })
  await session.append(message('assistant', i))
  await session.setState('idle', `t${i}`)
}
const turn = { turn: asTurn, received }[way] ?? byStates
for (let i = 0; i < 30; i++) await turn(sessions[i % 3], i)
fs.existsSync('/mark/begin')
for (let i = 30; i < 30 + Number(turns); i++) await turn(sessions[i % 3], i)
fs.existsSync('/mark/end')
await store.close()
