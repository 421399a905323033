/** Whether a folder lies on a file system of this machine: only there is an append one atomic step. */
import fs from 'node:fs'
import path from 'node:path'

/** Types whose O_APPEND writes do not interleave and that have hard links. */
const LOCAL = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'zfs', 'bcachefs', 'tmpfs', 'ramfs', 'overlay'])

/** False for network drives, and where the system does not tell. The folder need not exist. */
export function isLocal(folder: string): boolean {
  const type = typeOf(folder)
  return type !== undefined && LOCAL.has(type)
}

/** The type of the file system in the mount table; undefined where there is no such table. */
function typeOf(folder: string): string | undefined {
  let table: string
  let place: string
  try {
    table = fs.readFileSync('/proc/self/mountinfo').toString()
    place = realPathOf(folder)
  } catch {
    return undefined
  }
  let best = -1
  let type: string | undefined
  for (const line of table.split('\n')) {
    const [left = '', right] = line.split(' - ')
    const point = decodeOctal(left.split(' ')[4] ?? '')
    // of two mounts on one place the later one is seen
    if (right === undefined || point.length < best || !isBelow(place, point)) continue
    best = point.length
    type = right.split(' ')[0]
  }
  return type
}

/** With links resolved, of the folder or the nearest one above that exists. */
function realPathOf(folder: string): string {
  for (let place = path.resolve(folder); ; place = path.dirname(place)) {
    if (fs.existsSync(place) || place === path.dirname(place)) return fs.realpathSync(place)
  }
}

function isBelow(place: string, point: string): boolean {
  return point === '/' || place === point || place.startsWith(`${point}/`)
}

/** The mount table writes spaces, tabs, line feeds and backslashes as three octal digits. */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
