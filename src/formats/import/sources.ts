/** What there is to import at a path: files, folders that are one source, and all that lies below other folders. */
import path from 'node:path'
import { listSource, lookSource, OpenSource, type SourceStat, statSource, truePath } from '../../disk/source-file.js'
import { isoTime } from '../../log/parse.js'
import { type Found, matchesOf, SAMPLE_BYTES, samplesOf } from '../detect.js'
import type { Sample } from '../shared/format.js'
import type { SourceFile, SourceFolder } from '../shared/job.js'
import { zipFolder } from '../shared/zip.js'
import { isOpenclawFile, openclawKeys } from '../tools/openclaw.js'

/** One file, or one folder that is a source as a whole. */
export interface Source {
  /** Where it is, without links. */
  path: string
  /** The same as the caller named it, for reports. */
  shown: string
  kind: 'file' | 'folder'
  /** Its key, where the folder says it; and the format that this folder has. */
  key?: string | undefined
  format?: string | undefined
}

/** Folders above a file, the nearest first. */
export function foldersAbove(file: string): string[] {
  return path.dirname(file).split(path.sep).reverse()
}

export function stemOf(name: string): string {
  return name.replace(/\.(jsonl|json|ndjson|txt|md|zip)$/i, '')
}

export function sourceFileOf(source: OpenSource): SourceFile {
  const name = path.basename(source.path)
  return {
    path: source.path,
    name,
    stem: stemOf(name),
    folders: foldersAbove(source.path),
    time: isoTime(source.mtimeMs),
    size: source.size,
    read: (offset, end) => source.read(offset, end - offset),
  }
}

/** A folder as one source. Names from its files never lead out of it, nor do links. */
export function sourceFolderOf(folder: string): SourceFolder {
  const inside = (name: string) => {
    const place = path.resolve(folder, name)
    if (place !== folder && !place.startsWith(folder + path.sep)) return undefined
    // a link on the way leads elsewhere
    for (let at = place; at !== folder; at = path.dirname(at)) {
      const kind = lookSource(at)?.kind
      if (kind === undefined || kind === 'other') return undefined
    }
    return place
  }
  return {
    path: folder,
    name: path.basename(folder),
    folders: foldersAbove(folder),
    time: isoTime(statSource(folder)?.mtimeMs ?? 0),
    list: (name) => {
      const place = inside(name)
      return place === undefined ? [] : listSource(place)
    },
    read: (name) => {
      const place = inside(name)
      const source = place === undefined ? undefined : OpenSource.open(place)
      if (source === undefined) return undefined
      try {
        return source.read(0, source.size)
      } finally {
        source.close()
      }
    },
  }
}

/** A .zip as the folder that it holds; undefined for one that cannot be read. */
export function zipOf(source: OpenSource): SourceFolder | undefined {
  const entries = zipFolder((offset, length) => source.read(offset, length), source.size)
  if (entries === undefined) return undefined
  const name = stemOf(path.basename(source.path))
  return { path: source.path, name, folders: foldersAbove(source.path), time: isoTime(source.mtimeMs), ...entries }
}

/** The formats that a file or folder may have, best first. */
export function formatsOf(file: string, stat: SourceStat | undefined = statSource(file)): Found[] {
  if (stat?.kind === 'folder') return matchesOf([sampleOfFolder(file, listSource(file))])
  if (stat?.kind !== 'file') return []
  const source = OpenSource.open(file)
  if (source === undefined) return []
  try {
    const bytes = source.read(0, Math.min(SAMPLE_BYTES, source.size))
    if (bytes.subarray(0, 4).toString('latin1') === 'PK\x03\x04') {
      const zip = zipOf(source)
      return zip === undefined ? [] : matchesOf([sampleOfFolder(file, zip.list(''))])
    }
    return matchesOf(samplesOf(bytes, bytes.length === source.size, file))
  } finally {
    source.close()
  }
}

function sampleOfFolder(folder: string, entries: readonly string[]): Sample {
  return { names: folder.toLowerCase(), text: '', shape: 'text', objects: [], entries }
}

/**
 * The sources at a path, in the order of their names. `format` is the one that the caller names: then a folder of that
 * format is one source. @throws with code ENOENT when there is nothing
 */
export function sourcesAt(given: string, format: string | undefined): Source[] {
  const root = truePath(given)
  const stat = statSource(root)
  if (stat === undefined || stat.kind === 'other') {
    throw Object.assign(new Error(`there is no file or folder ${given}`), { code: 'ENOENT' })
  }
  // a file that is named alone is known by its own id: the files beside it are not read
  return stat.kind === 'file' ? [{ path: root, shown: given, kind: 'file' }] : below(root, given, format)
}

function below(folder: string, shown: string, format: string | undefined): Source[] {
  const [found] = formatsOf(folder, { kind: 'folder', size: 0, mtimeMs: 0 })
  if (found !== undefined && (format === undefined || found.format.name === format)) {
    return [{ path: folder, shown, kind: 'folder' }]
  }
  const names = listSource(folder)
  const keys = openclawKeys(sourceFolderOf(folder))
  const files = new Set(names)
  return names.flatMap((name): Source[] => {
    const [place, shownPath] = [path.join(folder, name), path.join(shown, name)]
    if (name.endsWith('/')) return below(place, shownPath, format)
    // a file that was packed stands beside itself
    if (name.endsWith('.zst') && files.has(name.slice(0, -'.zst'.length))) return []
    const file: Source = { path: place, shown: shownPath, kind: 'file' }
    if (keys === undefined || !isOpenclawFile(name)) return [file]
    return [{ ...file, format: 'openclaw', key: keys.get(name) ?? archiveKey(name) }]
  })
}

/** What was reset or deleted is a session of its own, though it has the id of the one that goes on. */
function archiveKey(name: string): string | undefined {
  return name.endsWith('.jsonl') ? undefined : `openclaw/${name.replace('.jsonl', '')}`
}
