/** What tells one state of a file from another. */

/** What a file is known by: which one it is, how long, and when it was last changed. */
export interface FileMark {
  dev: number
  ino: number
  size: number
  mtimeMs: number
}

export function markOf({ dev, ino, size, mtimeMs }: FileMark): FileMark {
  return { dev, ino, size, mtimeMs }
}

export function sameFile(a: FileMark | undefined, b: FileMark | undefined): boolean {
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev
}

/** Some systems count the times of files in pairs of seconds, ms. */
const COARSE_TICK_MS = 2_000

/** True when any change after `now` gives the file another time, where times tell `tick` ms apart or are coarse. */
export function isSettled({ mtimeMs }: Pick<FileMark, 'mtimeMs'>, now: number, tick: number): boolean {
  return now - mtimeMs > (mtimeMs % 1_000 === 0 ? COARSE_TICK_MS : tick)
}

export function sameMark(a: FileMark | undefined, b: FileMark | undefined): boolean {
  return sameFile(a, b) && a!.size === b!.size && a!.mtimeMs === b!.mtimeMs
}
