// The store on network drives: node main.mjs [--rounds 50] [--kills 20] [--drive gluster|moosefs] [--only WORD]
// [--files 2000], which other files lie in the folder
// Servers and clients run in namespaces of their own, which end with this program. Exit code 1 when something was lost.
import { execFile, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { gluster, missing, moosefs, setUpNetwork } from './drives.mjs'
import { Host } from './host.mjs'
import { FAULTS, full, outages, stopped } from './rounds.mjs'
import { stress } from './stress.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    kills: { type: 'string', default: '20' },
    drive: { type: 'string' },
    only: { type: 'string' },
    files: { type: 'string', default: '0' },
    base: { type: 'string' },
  },
})

/** On a busy machine, hosts wait long for each other on such drives. */
const PATIENT = { lockTimeout: 30_000 }

const lacking = missing()
if (lacking !== undefined) {
  console.log(`not run: the network drives need ${lacking}`)
} else if (values.base === undefined) {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-network-'))
  const namespaces = ['--mount', '--net', '--pid', '--fork', '--mount-proc', '--kill-child']
  const again = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2), '--base', base]
  const child = spawn('unshare', [...namespaces, ...again], { stdio: 'inherit' })
  child.on('exit', (code) => {
    fs.rmSync(base, { recursive: true, force: true })
    process.exitCode = code ?? 1
  })
} else {
  process.exitCode = await inside(values.base)
}

/** The command on both clients at once, which is to find out that they are two machines. */
async function checkFs(drive) {
  const command = fileURLToPath(new URL('../../dist/lib/cli/main.js', import.meta.url))
  const on = (side) => ['check', 'fs', '--peer', '--json', '--root', path.join(drive[side], 'sessions')]
  const run = (side) => promisify(execFile)(process.execPath, [command, ...on(side)], { timeout: 120_000 })
  const [a, b] = (await Promise.all(['a', 'b'].map(run))).map(({ stdout }) => JSON.parse(stdout))
  const wrong = [a, b].filter(({ verdict }) => verdict !== 'network').map((result) => JSON.stringify(result))
  return { wrong, note: JSON.stringify(a.measured) }
}

async function inside(base) {
  setUpNetwork()
  let failed = 0
  const report = (drive, name, { wrong, note = '' }, began) => {
    const took = ((Date.now() - began) / 1_000).toFixed(0)
    console.log(
      `${drive.padEnd(9)} ${name}: ${wrong.length === 0 ? 'good' : `${wrong.length} WRONG`} (${took} s) ${note}`,
    )
    for (const one of wrong.slice(0, 5)) console.log(`          ${one}`)
    failed += wrong.length
  }
  const isWanted = (name) => values.only === undefined || name.includes(values.only)
  for (const [name, setUp] of Object.entries({ moosefs, gluster })) {
    if (values.drive !== undefined && values.drive !== name) continue
    const drive = await setUp(path.join(base, name))
    fs.mkdirSync(path.join(drive.a, 'sessions'))
    for (let i = 0; i < Number(values.files); i++) fs.writeFileSync(path.join(drive.a, 'sessions', `other-${i}`), '')
    const hosts = await Promise.all(
      ['a', 'b'].map((side) => Host.open(side, path.join(drive[side], 'sessions'), PATIENT)),
    )
    const faults = { ...FAULTS, 'F5 a host stopped': stopped, 'F4 servers killed for 5 s': outages }
    for (const [fault, act] of Object.entries(faults)) {
      if (!isWanted(fault)) continue
      const began = Date.now()
      report(drive.name, `${fault}, ${values.rounds} rounds`, await act(hosts, Number(values.rounds), drive), began)
    }
    if (isWanted('check fs')) {
      const began = Date.now()
      report(drive.name, 'check fs --peer', await checkFs(drive), began)
    }
    for (const host of hosts) {
      await host.close()
      if (host.errors !== '') console.log(host.errors)
    }
    if (name === 'gluster' && isWanted('F6 full')) {
      const small = await gluster(path.join(base, 'small'), { size: 64 * 1024 * 1024 })
      const host = await Host.open('a', path.join(small.a, 'sessions'))
      const began = Date.now()
      report(drive.name, `F6 full, ${values.rounds} rounds`, await full(host, small.a, Number(values.rounds)), began)
      await host.close()
    }
    if (isWanted('stress')) {
      const began = Date.now()
      report(drive.name, 'stress of two hosts', await stress(drive, { kills: Number(values.kills) }), began)
    }
  }
  return failed === 0 ? 0 : 1
}
