/** Numbers, sizes and times for people. */
import { shownText } from '../../formats/html/symbols.js'

const LOCALE = 'en-US'

export function count(value: number): string {
  return value.toLocaleString(LOCALE)
}

export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

export function short(value: number): string {
  return value < 10_000 ? count(value) : value.toLocaleString(LOCALE, { notation: 'compact', maximumFractionDigits: 1 })
}

export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`
  const units = ['KB', 'MB', 'GB', 'TB']
  let size = value / 1_000
  let unit = 0
  while (size >= 1_000 && unit < units.length - 1) {
    size /= 1_000
    unit++
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`
}

export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`
}

export function ago(iso: string, now = Date.now()): string {
  const ms = now - Date.parse(iso)
  return ms < 60_000 ? 'just now' : `${span(ms).replace(/ \d+ s$/, '')} ago`
}

export function dayOf(iso: string): string {
  return new Date(iso).toLocaleDateString(LOCALE, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' })
}

export function timeOf(iso: string): string {
  return new Date(iso).toLocaleTimeString(LOCALE, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  })
}

/** A key or a name on one line, with what cannot be seen spelled out. */
export function label(text: string): string {
  return shownText(text).replace(/\s+/g, ' ')
}
