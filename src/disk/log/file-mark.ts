/** Identity, size and time of a file: equal marks mean an unchanged file. */

/** Which file it is. */
export interface FileIdentity {
  dev: number
  ino: number
}

/** The same, its size, and when it was last changed. */
export interface FileMark extends FileIdentity {
  size: number
  mtimeMs: number
}

export function markOf({ dev, ino, size, mtimeMs }: FileMark): FileMark {
  return { dev, ino, size, mtimeMs }
}

export function sameFile(a: FileIdentity | undefined, b: FileIdentity | undefined): boolean {
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev
}

/** Some systems count the times of files in pairs of seconds, ms. */
const COARSE_TICK_MS = 2_000

/** True when any change after `now` sets another time of the file, for file times of `tick` ms or of seconds. */
export function isSettled({ mtimeMs }: Pick<FileMark, 'mtimeMs'>, now: number, tick: number): boolean {
  return now - mtimeMs > (mtimeMs % 1_000 === 0 ? COARSE_TICK_MS : tick)
}

export function sameMark(a: FileMark | undefined, b: FileMark | undefined): boolean {
  return sameFile(a, b) && a!.size === b!.size && a!.mtimeMs === b!.mtimeMs
}
