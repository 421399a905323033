import { InvalidArgumentError } from './commander.js'

/** 0, 1, 2, … */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Not a whole number.')
  return Number(text)
}

/** 1, 2, 3, … */
export function atLeastOne(text: string): number {
  const value = wholeNumber(text)
  if (value === 0) throw new InvalidArgumentError('At least 1.')
  return value
}

/** As long as a timer can wait: 24 days. */
const MOST_SECONDS = 2_147_483

export function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && value <= MOST_SECONDS)) {
    throw new InvalidArgumentError(`Not a number of seconds above 0 and up to ${MOST_SECONDS}.`)
  }
  return value
}

const MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const AGE = /^(\d{1,9})([smhd])$/

/** Milliseconds from `90s`, `5m`, `72h` or `30d`; `0` is 0. */
export function duration(text: string): number {
  if (text === '0') return 0
  const [, number, unit] = AGE.exec(text) ?? []
  if (unit === undefined) throw new InvalidArgumentError('Not a time such as 90s, 5m, 72h or 30d.')
  return Number(number) * MS[unit]!
}

/** A point in time, ms since 1970, from an age such as 30d or 72h, or from a local day such as 2026-11-28. */
export function since(text: string): number {
  const day = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (day === null) {
    if (!AGE.test(text)) throw new InvalidArgumentError('Not an age such as 30d or 72h, nor a day such as 2026-11-28.')
    return Date.now() - duration(text)
  }
  const [year, month, date] = day.slice(1).map(Number) as [number, number, number]
  const time = new Date(year, month - 1, date)
  if (time.getMonth() !== month - 1) throw new InvalidArgumentError('Not a day of the calendar.')
  return time.getTime()
}

const BYTES: Record<string, number> = { '': 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 }

/** Bytes from `500000`, `500MB` or `2GB`. */
export function byteCount(text: string): number {
  const [, number, unit = ''] = /^(\d{1,15})(KB|MB|GB|TB)?$/i.exec(text) ?? []
  if (number === undefined) throw new InvalidArgumentError('Not a size such as 500000, 500MB or 2GB.')
  return Number(number) * BYTES[unit.toUpperCase()]!
}

/** Why this is no URL of an endpoint, without a word of it: there may be a password in it. */
export function wrongUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return 'is not an http(s) URL'
  return url.username + url.password === ''
    ? undefined
    : 'must hold no user and no password: the key comes from OPENAI_API_KEY'
}

export function notEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.')
  return text
}

/** 0 to 65535. */
export function portNumber(text: string): number {
  const value = wholeNumber(text)
  if (value > 65_535) throw new InvalidArgumentError('Not a port: at most 65535.')
  return value
}

/** A pattern that matches some text, and not the empty one. */
export function regularExpression(given: string): RegExp {
  let pattern: RegExp
  try {
    pattern = new RegExp(given, 'u')
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
  if (pattern.test('')) throw new InvalidArgumentError('It matches an empty text.')
  return pattern
}
