/** How many columns of a terminal a text takes. */
export type Measure = (text: string) => number

const ASCII = /^[\x20-\x7e]*$/

/** A measure for these texts; `string-width` is only loaded when one of them is not plain ASCII. */
export async function measureFor(texts: Iterable<string>): Promise<Measure> {
  for (const text of texts) {
    if (ASCII.test(text)) continue
    const { default: stringWidth } = await import('string-width')
    return (text) => (ASCII.test(text) ? text.length : stringWidth(text))
  }
  return (text) => text.length
}

/** The text cut to `width` columns between whole characters; a cut is shown by an ellipsis. */
export function cut(text: string, width: number, measure: Measure): string {
  if (measure(text) <= width) return text
  if (width < 1) return ''
  let kept = ''
  let used = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += measure(segment)
    if (used > width - 1) break
    kept += segment
  }
  return `${kept}…`
}
