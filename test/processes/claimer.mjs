// Begins and ends exclusive turns as quickly as it can, with a witness that is not ours: claimer.mjs FOLDER WITNESSES MS
import fs from 'node:fs'
import path from 'node:path'
import { openStore } from '../../dist/lib/index.js'

const [folder, witnesses, ms] = process.argv.slice(2)
const store = await openStore(folder)
const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time))
const end = performance.now() + Number(ms)
/** One file a kind of event, told at once: a process that is killed later has told it. */
const tell = (what, text = '.') => fs.appendFileSync(path.join(witnesses, what), text)

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

const own = path.join(witnesses, `pid-${process.pid}`)
fs.writeFileSync(own, String(process.pid))

/** Takes it with its content in one step. Fails when a living process holds it, or did so just now. */
function hold(file) {
  for (;;) {
    try {
      fs.linkSync(own, file)
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      const pid = Number(fs.readFileSync(file, 'utf8'))
      if (isAlive(pid)) throw new Error(`${path.basename(file)} is held by ${pid}`)
      fs.unlinkSync(file)
      tell('taken-over')
    }
  }
}

for (let i = 0; performance.now() < end; i++) {
  const key = `k${Math.floor(Math.random() * 3)}`
  const turn = `${process.pid}-${i}`
  const witness = path.join(witnesses, key)
  try {
    await store.session(key).setState('running', turn, { exclusive: true })
  } catch (error) {
    if (error.code !== 'ERR_TURN_RUNNING') throw error
    tell('refused')
    continue
  }
  try {
    hold(witness)
    if (i % 10 === 0) await sleep(Math.random() * 3)
    fs.unlinkSync(witness)
    tell('turns')
  } catch (error) {
    tell('two', `${error}\n`)
  }
  await store.session(key).setState('idle', turn)
  if (i % 5 === 0) await sleep(Math.random() * 2)
}
process.disconnect()
