/**
 * Files of other programs, which an import only reads: opened read-only, never locked, links in folders not followed.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../base/errors.js'
import { readIntoSync, readSync } from './files.js'

const { O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY } = fs.constants

export interface SourceStat {
  kind: 'file' | 'folder' | 'other'
  size: number
  mtimeMs: number
}

/** What stands at a path that the caller named: a link is followed. Undefined for nothing. */
export function statSource(file: string): SourceStat | undefined {
  return kindOf(fs.statSync(file, { throwIfNoEntry: false }))
}

/** What stands below a folder: links are something else. */
export function lookSource(file: string): SourceStat | undefined {
  return kindOf(fs.lstatSync(file, { throwIfNoEntry: false }))
}

function kindOf(stat: fs.Stats | undefined): SourceStat | undefined {
  if (stat === undefined) return undefined
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other'
  return { kind, size: stat.size, mtimeMs: stat.mtimeMs }
}

/** The path without links, so that a file has one name. */
export function truePath(file: string): string {
  return fs.realpathSync(file)
}

/** Names in a folder, sorted; those of folders end with a slash. Links and what is neither are left out. */
export function listSource(folder: string): string[] {
  let entries: fs.Dirent[]
  try {
    entries = fs.readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errno(error) ?? '')) return []
    throw error
  }
  return entries
    .flatMap((entry) => (entry.isFile() ? [entry.name] : entry.isDirectory() ? [`${entry.name}/`] : []))
    .sort((a, b) => (a < b ? -1 : 1))
}

/** An open file of another program. */
export class OpenSource {
  private constructor(
    readonly path: string,
    readonly fd: number,
    readonly size: number,
    readonly mtimeMs: number,
  ) {}

  /** Undefined when it is no regular file, or gone. */
  static open(file: string): OpenSource | undefined {
    let fd: number
    try {
      fd = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    } catch (error) {
      if (['ENOENT', 'ELOOP', 'EMLINK', 'ENXIO'].includes(errno(error) ?? '')) return undefined
      throw error
    }
    let source: OpenSource | undefined
    try {
      const stat = fs.fstatSync(fd)
      if (stat.isFile()) source = new OpenSource(path.resolve(file), fd, stat.size, stat.mtimeMs)
    } finally {
      if (source === undefined) fs.closeSync(fd)
    }
    return source
  }

  /** Bytes from `offset` on, fewer where the file ends. */
  read(offset: number, length: number): Buffer {
    return readSync(this.fd, offset, length)
  }

  /** Reads into the buffer; returns the number of bytes read. */
  readInto(buffer: Buffer, offset: number): number {
    return readIntoSync(buffer, this.fd, offset)
  }

  close(): void {
    fs.closeSync(this.fd)
  }
}
