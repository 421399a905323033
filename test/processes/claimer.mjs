// Begins and ends exclusive turns as quickly as it can, with a witness that is not ours: claimer.mjs FOLDER WITNESSES MS
import fs from 'node:fs'
import path from 'node:path'
import { openStore } from '../../dist/src/index.js'

const [folder, witnesses, ms] = process.argv.slice(2)
const store = await openStore(folder)
const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time))
const end = performance.now() + Number(ms)
const sum = { turns: 0, refused: 0, takenOver: 0, two: [] }

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Fails when a living process holds it. */
function hold(file) {
  for (;;) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: 'wx' })
      return
    } catch {
      const pid = Number(fs.readFileSync(file, 'utf8'))
      // one that was killed before it had written its number
      if (pid !== 0 && isAlive(pid)) throw new Error(`${path.basename(file)} is held by ${pid}`)
      fs.unlinkSync(file)
      sum.takenOver++
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
    sum.refused++
    continue
  }
  try {
    hold(witness)
    if (i % 10 === 0) await sleep(Math.random() * 3)
    fs.unlinkSync(witness)
    sum.turns++
  } catch (error) {
    sum.two.push(String(error))
  }
  await store.session(key).setState('idle', turn)
  if (i % 5 === 0) await sleep(Math.random() * 2)
}
process.send(sum)
process.disconnect()
