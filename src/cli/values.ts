import { InvalidArgumentError } from 'commander'

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

export function httpUrl(text: string): string {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new InvalidArgumentError('Not a URL.')
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new InvalidArgumentError('Not an http(s) URL.')
  return text
}

export function notEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.')
  return text
}
