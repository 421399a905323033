// Two hosts on a few sessions: appenders and one that does all else, with kills. What was acknowledged is there once, in order.
import fs from 'node:fs'
import path from 'node:path'
import { sleep } from './drives.mjs'
import { Host } from './host.mjs'

const KEYS = ['s0', 's1', 's2']

/** Kills lie further apart than the ten seconds after which a host that is silent loses its leases. */
export async function stress(drive, { kills, between = 13_000 }) {
  const acked = new Map()
  const codes = new Map()
  const hosts = new Map()
  let running = true
  let next = 0
  const count = (code) => code !== 'KILLED' && codes.set(code, (codes.get(code) ?? 0) + 1)
  const folderOf = (side) => `${side === 'a' ? drive.a : drive.b}/sessions`
  const open = async (side) => hosts.set(side, await Host.open(side, folderOf(side), { lockTimeout: 30_000 }))

  const appender = async (side, worker) => {
    const key = () => KEYS[next % KEYS.length]
    for (let i = 0; running; i++) {
      const host = hosts.get(side)
      const text = `${side}${worker} ${i}`
      const at = key()
      next++
      try {
        await host.append(at, text)
        const list = acked.get(`${at} ${side}${worker}`) ?? []
        list.push(text)
        acked.set(`${at} ${side}${worker}`, list)
      } catch (error) {
        count(error.code ?? error.message)
        await sleep(100)
      }
      await sleep(20)
    }
  }
  const mixer = async (side) => {
    for (let i = 0; running; i++) {
      const host = hosts.get(side)
      const key = KEYS[i % KEYS.length]
      try {
        const id = await host.append(key, `mixer ${side} ${i}`)
        await host.call('remove', key, id)
        if (i % 3 === 0) await host.call('rewrite', key)
        await host.call('list')
        await host.call('setName', key, `name ${i}`)
      } catch (error) {
        count(error.code ?? error.message)
        await sleep(100)
      }
      await sleep(50)
    }
  }
  await Promise.all(['a', 'b'].map(open))
  const work = Promise.all(['a', 'b'].flatMap((side) => [appender(side, 0), appender(side, 1), mixer(side)]))
  for (let i = 0; i < kills; i++) {
    await sleep(between)
    const side = i % 2 === 0 ? 'a' : 'b'
    const host = hosts.get(side)
    host.signal('SIGKILL')
    await host.ended
    await open(side)
  }
  await sleep(15_000)
  running = false
  await work
  await sleep(1_500)
  const wrong = []
  let total = 0
  for (const [place, texts] of acked) {
    total += texts.length
    const problem = await judge(hosts.get('a'), place, texts)
    if (problem === undefined) continue
    // is it lost, or did one host see it late?
    await sleep(5_000)
    const later = await Promise.all([...hosts.values()].map((host) => judge(host, place, texts)))
    const missing = problem.missing.map((text) => `${text} (${filesWith(folderOf('a'), text) || 'in no file'})`)
    wrong.push(`${place}: ${problem.note}; 5 s later ${later.map((one) => one?.note ?? 'good').join(', ')}: ${missing}`)
  }
  for (const host of hosts.values()) await host.close()
  return {
    wrong,
    note: `${total} acknowledged, ${kills} kills; rejected: ${[...codes].map(([code, n]) => `${n} ${code}`).join(', ') || 'none'}`,
  }
}

/** What is wrong with the messages of one worker in one session, as a host sees them; undefined for nothing. */
async function judge(host, place, texts) {
  const [key, worker] = place.split(' ')
  const seen = (await host.contents(key)).filter((text) => text.startsWith(`${worker} `))
  const there = seen.filter((text) => texts.includes(text))
  if (JSON.stringify(there) === JSON.stringify(texts)) return undefined
  const missing = texts.filter((text) => !there.includes(text))
  return { missing, note: `${there.length} of ${texts.length} there, once and in order` }
}

/** The files of the store in which a text stands. */
function filesWith(folder, text) {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => fs.readFileSync(file).includes(`"${text}"`))
    .map((file) => path.relative(folder, file))
    .join(' ')
}
