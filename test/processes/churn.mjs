// Works on a store until it is killed: churn.mjs FOLDER LOG SEED
// The log gets each step before it is begun, and `ok` when it is acknowledged.
import fs from 'node:fs'
import { openStore } from '../../dist/lib/index.js'

const [folder, file, seed] = process.argv.slice(2)
const log = fs.openSync(file, 'a')
const store = await openStore(folder)
const KEYS = ['a', 'b', 'An encoded key']
let state = Number(seed) * 7919 + 1
let count = 0

function random(n) {
  state = (state * 1103515245 + 12345) % 2147483648
  return Math.floor((state / 2147483648) * n)
}

function text() {
  return `${seed}-${count++} ${'x'.repeat([0, 50, 5_000, 200_000][random(4)])}`
}

async function step(op, key, contents, work) {
  const texts = contents.map((content) => content.split(' ')[0])
  fs.writeSync(log, `${JSON.stringify({ op, key, texts })}\n`)
  await work()
  fs.writeSync(log, 'ok\n')
}

for (;;) {
  const key = KEYS[random(KEYS.length)]
  const session = store.session(key)
  const dice = random(100)
  const messages = dice < 70 ? [] : await session.messages()
  if (dice < 45) {
    const content = text()
    await step('append', key, [content], () => session.append({ role: 'user', content }))
  } else if (dice < 55) {
    const contents = [text(), text(), text()]
    await step('batch', key, contents, () => session.append(contents.map((content) => ({ role: 'user', content }))))
  } else if (dice < 60) await step('name', key, [], () => session.setName(`name ${count++}`))
  else if (dice < 65) await step('state', key, [], () => session.setState('idle'))
  else if (dice < 70) await step('removeLast', key, [], () => session.removeLast())
  else if (dice < 78) {
    const some = messages.filter(() => random(3) === 0)
    const ids = some.map(({ id }) => id)
    const contents = some.map(({ content }) => content)
    await step('remove', key, contents, () => session.remove(ids))
  } else if (dice < 94) await step('rewrite', key, [], () => session.rewrite())
  else if (dice < 97) await step('delete', key, [], () => session.delete())
  else if (dice < 98) {
    await new Promise((resolve) => setTimeout(resolve, 3))
    await step('cleanup', '', [], () => store.cleanup({ olderThan: 0 }))
  } else {
    const [entry] = (await store.trash()).filter((one) => one.key === key)
    if (entry && (await session.info()) === null) await step('restore', key, [], () => store.restore(entry.id))
  }
}
