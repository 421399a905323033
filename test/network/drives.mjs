// Network drives on this machine alone: GlusterFS and MooseFS, each with its servers and two clients.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

/** What is needed; the names are those of Debian's packages. */
const PROGRAMS = {
  unshare: 'util-linux',
  ip: 'iproute2',
  glusterd: 'glusterfs-server',
  glusterfs: 'glusterfs-client',
  mfsmaster: 'moosefs-master',
  mfschunkserver: 'moosefs-chunkserver',
  mfsmount: 'moosefs-client',
}
/** Neither takes a loopback address for a server. */
const ADDRESS = '10.77.0.1'

/** Why the drives cannot be set up here; undefined where they can. */
export function missing() {
  if (process.platform !== 'linux') return 'Linux'
  if (process.getuid() !== 0) return 'root'
  if (!fs.existsSync('/dev/fuse')) return 'FUSE (/dev/fuse)'
  const without = Object.keys(PROGRAMS).filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0)
  if (without.length > 0) return `the packages ${without.map((name) => PROGRAMS[name]).join(', ')}`
  return undefined
}

export function run(program, ...args) {
  return execFileSync(program, args, { encoding: 'utf8', timeout: 120_000, stdio: ['ignore', 'pipe', 'pipe'] })
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits until `condition` does not throw and is not false. */
export async function until(condition, what, ms = 60_000) {
  for (const end = Date.now() + ms; ; await sleep(100)) {
    let last
    try {
      if (await condition()) return
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`${what}: waited ${ms} ms in vain`, { cause: last })
  }
}

export function setUpNetwork() {
  run('ip', 'link', 'set', 'lo', 'up')
  run('ip', 'address', 'add', `${ADDRESS}/32`, 'dev', 'lo')
}

function folders(base, ...names) {
  return names.map((name) => {
    const folder = path.join(base, name)
    fs.mkdirSync(folder, { recursive: true })
    return folder
  })
}

/** Mounts the drive once more, in a place of its own. */
function anotherClient(base, mount) {
  let count = 0
  return async () => {
    const [place] = folders(base, `another-${count++}`)
    await mount(place)
    return place
  }
}

/** A volume on two bricks; with `size` (bytes) they are drives of that size. */
export async function gluster(base, { size } = {}) {
  const [state, one, two, a, b] = folders(base, 'state', 'brick-1', 'brick-2', 'a', 'b')
  if (size !== undefined)
    for (const brick of [one, two]) run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'none', brick)
  const volume = path.join(base, 'glusterd.vol')
  fs.writeFileSync(
    volume,
    `volume management\ntype mgmt/glusterd\noption working-directory ${state}\noption transport-type socket\nend-volume\n`,
  )
  if (spawnSync('pgrep', ['-x', 'glusterd']).status !== 0)
    run('glusterd', '-f', volume, '-p', path.join(base, 'glusterd.pid'), '-l', path.join(base, 'glusterd.log'))
  const name = path.basename(base)
  await until(() => run('gluster', '--mode=script', 'peer', 'status').includes('Peers'), 'glusterd')
  const bricks = [one, two].map((brick) => `${ADDRESS}:${brick}/data`)
  run('gluster', '--mode=script', 'volume', 'create', name, 'replica', '2', ...bricks, 'force')
  run('gluster', '--mode=script', 'volume', 'start', name)
  const mount = async (place) => {
    run('glusterfs', `--volfile-server=${ADDRESS}`, `--volfile-id=${name}`, '-l', `${place}.log`, place)
    await until(() => fs.statfsSync(place).type === 0x65735546 && fs.readdirSync(place), 'a client of GlusterFS')
  }
  for (const place of [a, b]) await mount(place)
  const pids = () => run('pgrep', '-f', `glusterfsd.*${base}`).trim().split('\n').map(Number)
  const commands = pids().map((pid) => fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1))
  return {
    name: 'GlusterFS',
    a,
    b,
    servers: pids,
    another: anotherClient(base, mount),
    ending: 'SIGKILL',
    // as they were started: on the same ports
    restart: () => {
      for (const [program, ...args] of commands) run(program, ...args)
    },
  }
}

/** A master and two chunk servers with a copy of each file: a lone one that is killed in a write has no valid copy then. */
export async function moosefs(base) {
  const [data, a, b] = folders(base, 'data', 'a', 'b')
  fs.copyFileSync('/var/lib/mfs/metadata.mfs.empty', path.join(data, 'metadata.mfs'))
  const config = (name, lines) => {
    const file = path.join(base, name)
    fs.writeFileSync(file, `${lines.join('\n')}\n`)
    return file
  }
  const common = ['WORKING_USER = root', 'WORKING_GROUP = root', 'LOCK_MEMORY = 0']
  const exports = config('exports.cfg', ['* / rw,alldirs,maproot=0:0'])
  const master = config('master.cfg', [...common, `DATA_PATH = ${data}`, `EXPORTS_FILENAME = ${exports}`])
  const chunkServers = [9422, 9432].map((port) => {
    const [state, chunks] = folders(base, `state-${port}`, `chunks-${port}`)
    const disks = config(`hdd-${port}.cfg`, [chunks])
    const own = [`DATA_PATH = ${state}`, `HDD_CONF_FILENAME = ${disks}`, `CSSERV_LISTEN_PORT = ${port}`]
    return config(`chunk-${port}.cfg`, [...common, ...own, `MASTER_HOST = ${ADDRESS}`])
  })
  const startChunks = () => {
    for (const file of chunkServers) run('mfschunkserver', '-c', file, 'start')
  }
  run('mfsmaster', '-c', master, 'start')
  startChunks()
  const mount = (place) => until(() => run('mfsmount', '-H', ADDRESS, place) !== undefined, 'a client of MooseFS')
  for (const place of [a, b]) await mount(place)
  run('mfssetgoal', '-r', '2', a)
  const probe = path.join(a, 'probe')
  await until(() => {
    fs.writeFileSync(probe, 'x')
    return true
  }, 'the chunk server of MooseFS')
  fs.rmSync(probe)
  return {
    name: 'MooseFS',
    a,
    b,
    another: anotherClient(base, mount),
    // killed ones leave reads without an answer (README.md)
    ending: 'SIGTERM',
    servers: () => run('pgrep', '-x', 'mfschunkserver').trim().split('\n').map(Number),
    restart: startChunks,
  }
}
