/** Wall-clock times of a zone as UTC. */
import { isoTime } from '../../log/parse.js'

export interface WallTime {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

/** The time in UTC, ISO 8601; without a zone, it is the zone of this machine. @throws RangeError for an unknown zone */
export function toUtc({ year, month, day, hour, minute, second }: WallTime, zone: string | undefined): string {
  if (zone === undefined) return isoTime(new Date(year, month - 1, day, hour, minute, second).getTime() || 0)
  const wanted = Date.UTC(year, month - 1, day, hour, minute, second)
  if (Number.isNaN(wanted)) return isoTime(0)
  // twice: the first guess may stand on the other side of a change of the clock
  let utc = wanted - offsetAt(wanted, zone)
  utc = wanted - offsetAt(utc, zone)
  return isoTime(utc)
}

/** What a zone is ahead of UTC then, ms. */
function offsetAt(ms: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(ms)
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value)
  return (
    Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second')) -
    Math.trunc(ms / 1000) * 1000
  )
}
