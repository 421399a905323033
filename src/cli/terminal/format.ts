/** Numbers and times as people read them. */

const UNITS = ['KB', 'MB', 'GB', 'TB']

export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  let value = bytes / 1024
  let unit = 0
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`
}

/** How long ago, as far as that helps; the day when it is longer ago than a month, the time when it is to come. */
export function ago(date: Date, now: Date): string {
  const seconds = Math.floor((now.getTime() - date.getTime()) / 1000)
  if (!(seconds >= -5)) return stamp(date)
  if (seconds < 10) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  const days = Math.floor(seconds / 86_400)
  if (days === 1) return 'yesterday'
  return days <= 30 ? `${days} days ago` : stamp(date).slice(0, 10)
}

/** How long something takes: `3 s`, `5 min`, `2 h 10 min`, `3 d 4 h`. */
export function span(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** Local date and time, to the second. */
export function stamp(date: Date): string {
  if (Number.isNaN(date.getTime())) return 'unknown time'
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day} ${[two(date.getHours()), two(date.getMinutes()), two(date.getSeconds())].join(':')}`
}

function two(n: number): string {
  return String(n).padStart(2, '0')
}

/** `1,234`. */
export function number(n: number): string {
  return n.toLocaleString('en-US')
}

/** `1 turn`, `2 turns`. */
export function count(n: number, noun: string, nouns = `${noun}s`): string {
  return `${number(n)} ${n === 1 ? noun : nouns}`
}
