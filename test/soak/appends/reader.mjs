// Looks until it gets a message whether a session has all that was acknowledged: reader.mjs FOLDER WITNESS SESSIONS
import { setImmediate } from 'node:timers/promises'
import { openStore } from '../../../dist/lib/index.js'
import { faultsIn, keyOf, Witnesses } from './witness.mjs'

const [folder, witnesses, sessions] = process.argv.slice(2)
const store = await openStore(folder)
const witness = new Witnesses(witnesses)
let isRunning = true
let looks = 0
const failures = []
process.on('message', () => {
  isRunning = false
})
const telling = setInterval(() => {
  process.send({ looks, failures: failures.splice(0) })
  looks = 0
}, 500)
while (isRunning) {
  const number = Math.random() < 0.3 ? 0 : 1 + Math.floor(Math.random() * Number(sessions))
  const acknowledged = witness.look('.acks').of(number, 'acknowledged')
  try {
    const messages = await store.session(keyOf(number)).messages()
    failures.push(...faultsIn(number, messages, acknowledged, witness.look('.floors').of(number, 'floors')))
  } catch (error) {
    failures.push(error.stack)
  }
  looks++
  await setImmediate()
}
clearInterval(telling)
await store.close()
process.send({ looks, failures }, () => process.disconnect())
