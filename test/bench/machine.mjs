/** What the figures were measured on. */
import fs from 'node:fs'
import os from 'node:os'

export function machine(dir) {
  const cpus = os.cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    memory: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
    system: `${os.type()} ${os.release()}`,
    fileSystem: fileSystem(dir),
  }
}

export function describe({ date, cpu, cores, memory, node, system, fileSystem }) {
  return `${date}, ${cpu}, ${cores} cores, ${memory} GiB, ${system}, ${fileSystem}, Node ${node}`
}

/** The type of the mount that `dir` lies on; only Linux tells without a tool. */
function fileSystem(dir) {
  try {
    const real = fs.realpathSync(dir)
    const mounts = fs.readFileSync('/proc/self/mounts', 'utf8').trim().split('\n')
    const holding = mounts.map((line) => line.split(' ')).filter(([, point]) => isWithin(real, point))
    return holding.sort((a, b) => a[1].length - b[1].length).at(-1)?.[2] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}

function isWithin(file, point) {
  return point === '/' || file === point || file.startsWith(`${point}/`)
}
