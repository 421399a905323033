import { paint } from './output.js'

/** Colours the words in a text. */
export function highlight(text: string, words: readonly string[]): string {
  const lower = text.toLowerCase()
  // Without one-to-one places nothing can be pointed at safely.
  if (lower.length !== text.length) return text
  let out = ''
  let at = 0
  while (at < text.length) {
    const next = nearest(lower, words, at)
    if (next === null) break
    out += text.slice(at, next.start) + paint(['bold', 'yellow'], text.slice(next.start, next.end))
    at = next.end
  }
  return out + text.slice(at)
}

function nearest(lower: string, words: readonly string[], from: number): { start: number; end: number } | null {
  let best: { start: number; end: number } | null = null
  for (const word of words) {
    const start = lower.indexOf(word, from)
    if (start < 0 || (best && (start > best.start || (start === best.start && start + word.length <= best.end))))
      continue
    best = { start, end: start + word.length }
  }
  return best
}
