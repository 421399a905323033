/**
 * Turns in a process of its own: node turn-process.mjs COMPETITOR FOLDER NUMBER PROCESSES SESSIONS
 * For each message, a count, it makes so many turns, on sessions in which no other process has one: a bot's messages of
 * one sender come to one process at a time.
 */
import { keys } from '../messages.mjs'
import { random } from '../statistics.mjs'
import { storeOf } from './store-of.mjs'
import { turnOf } from './turn-of.mjs'

const [title, dir, number, processes, sessions] = process.argv.slice(2)
const store = await storeOf(title).open(dir)
const own = keys(Number(sessions)).filter((_, place) => place % Number(processes) === Number(number))
const rand = random(Number(number) + 1)

process.on('message', async (count) => {
  for (let i = 0; i < count; i++) await turnOf(store, own[Math.floor(rand() * own.length)], i)
  process.send('done')
})
process.on('disconnect', async () => {
  await store.close()
  process.exit()
})
process.send('ready')
