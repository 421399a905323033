/** Which format a file or folder has, by what is in it; names only break ties. Pure. */
import { isObject, type Json, type JsonObject } from '../base/json.js'
import { FORMATS } from './registry.js'
import type { Format, Match, Sample } from './shared/format.js'

export const SAMPLE_BYTES = 64 * 1024
const SAMPLE_OBJECTS = 20

export interface Found {
  format: Format
  why: string
  weight: number
}

/** The formats that it may have, best first. */
export function matchesOf(samples: readonly Sample[]): Found[] {
  const found = FORMATS.flatMap((format) => {
    for (const sample of samples) {
      const match: Match | undefined = format.sniff(sample)
      if (match === undefined) continue
      const isNamed = format.hints.some((hint) => hasWord(sample.names, hint))
      return [{ format, why: match.why, weight: match.weight + (isNamed ? 0.5 : 0) }]
    }
    return []
  })
  return found.sort((a, b) => b.weight - a.weight)
}

function hasWord(names: string, word: string): boolean {
  return names.split(/[/\\]/).some((name) => name === word || name.startsWith(word) || name.endsWith(word))
}

/**
 * What a file may be, from its first bytes; `isWhole` says that these are all. Lines or a document: one object on one
 * line is both.
 */
export function samplesOf(bytes: Buffer, isWhole: boolean, names: string): Sample[] {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '')
  const begin = text.trimStart()
  const sample = { names: names.toLowerCase(), text, entries: [] }
  if (begin.startsWith('[') && !isLines(begin)) {
    const value = partialJson(begin)
    const objects = (Array.isArray(value) ? value : []).filter(isObject).slice(0, SAMPLE_OBJECTS)
    if (Array.isArray(value)) return [{ ...sample, shape: 'array', objects }]
  }
  const samples: Sample[] = []
  const objects = objectsInLines(text, isWhole)
  if (objects.length > 0) samples.push({ ...sample, shape: 'lines', objects })
  const feed = begin.indexOf('\n')
  const first = feed === -1 ? begin : begin.slice(0, feed)
  const isAlone = feed === -1 || begin.slice(feed).trim() === '' || !parses(first)
  if (begin.startsWith('{') && isAlone) {
    const value = partialJson(begin)
    if (isObject(value)) samples.push({ ...sample, shape: 'object', objects: [value] })
  }
  if (!begin.startsWith('{')) samples.push({ ...sample, shape: 'text', objects: [] })
  return samples
}

/** Arrays in the lines of a file are no elements of one array. */
function isLines(text: string): boolean {
  const [first, second] = text.split('\n')
  return second?.trim().startsWith('{') === true && parses(first ?? '') && parses(second)
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function objectsInLines(text: string, isWhole: boolean): JsonObject[] {
  const lines = text.split('\n')
  if (!isWhole && lines.length > 1) lines.pop()
  const objects: JsonObject[] = []
  for (const line of lines) {
    if (objects.length === SAMPLE_OBJECTS) break
    const value = parsed(line) ?? (isWhole || lines.length > 1 ? undefined : partialJson(line))
    if (isObject(value)) objects.push(value)
  }
  return objects
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The value of JSON text that may be cut off: what is not closed is closed behind the last value that is whole. */
export function partialJson(text: string): Json | undefined {
  const whole = parsed(text)
  if (whole !== undefined) return whole
  const open: string[] = []
  let inString = false
  let cut = -1
  let closers = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    if (inString) {
      if (char === '\\') i++
      else if (char === '"') inString = false
      continue
    }
    if (char === '"') inString = true
    else if (char === '{' || char === '[') open.push(char === '{' ? '}' : ']')
    else if (char === '}' || char === ']') open.pop()
    // behind a comma a whole value ends; behind a bracket one does or may begin
    if (char === ',' || char === '{' || char === '[' || char === '}' || char === ']') {
      cut = char === ',' ? i : i + 1
      closers = [...open].reverse().join('')
      if (open.length === 0) break
      if (open.length > 200) return undefined
    }
  }
  return cut === -1 ? undefined : parsed(text.slice(0, cut) + closers)
}
