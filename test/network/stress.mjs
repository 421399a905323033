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
  const count = ({ code, message }, what) => {
    const name = `${what} ${code ?? message}`
    if (code !== 'KILLED') codes.set(name, (codes.get(name) ?? 0) + 1)
  }
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
        count(error, 'append')
        await sleep(100)
      }
      await sleep(20)
    }
  }
  const mixer = async (side) => {
    for (let i = 0; running; i++) {
      const host = hosts.get(side)
      const key = KEYS[i % KEYS.length]
      let what = 'append'
      const call = (method, ...args) => {
        what = method
        return host.call(method, ...args)
      }
      try {
        const id = await host.append(key, `mixer ${side} ${i}`)
        await call('remove', key, id)
        if (i % 3 === 0) await call('rewrite', key)
        await call('list')
        await call('setName', key, `name ${i}`)
      } catch (error) {
        count(error, what)
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
  let late = 0
  for (const [place, texts] of acked) {
    total += texts.length
    if ((await judge(hosts.get('a'), place, texts)) === undefined) continue
    // is it lost, or does one host see it late?
    await sleep(10_000)
    const found = await Promise.all([...hosts.values()].map((host) => judge(host, place, texts)))
    const [problem] = found.filter(Boolean)
    if (problem === undefined) late++
    else {
      const missing = problem.missing.map((text) => `${text} (${filesWith(folderOf('a'), text) || 'in no file'})`)
      wrong.push(`${place}: ${found.map((one) => one?.note ?? 'good').join(', ')}: ${missing}`)
    }
  }
  for (const host of hosts.values()) await host.close()
  return {
    wrong,
    note: `${total} acknowledged, ${kills} kills; seen late: ${late} of ${acked.size} lists; rejected: ${[...codes].map(([code, n]) => `${n} ${code}`).join(', ') || 'none'}`,
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
