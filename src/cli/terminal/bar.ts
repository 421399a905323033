/** Bars of a chart, as text. */

/** Parts of a block, by eighths. */
const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A bar for a share of 0 to 1; any share above 0 is visible. */
export function bar(share: number, width: number, style: 'blocks' | 'plain'): string {
  if (!(share > 0)) return ''
  if (style === 'plain') return '#'.repeat(Math.max(1, Math.round(share * width)))
  const eighths = Math.max(1, Math.round(share * width * 8))
  return '█'.repeat(Math.floor(eighths / 8)) + PARTS[eighths % 8]
}

/** Blocks where colours would be shown, `#` in files, pipes and on terminals that can do little. */
export function barStyle(stream: NodeJS.WriteStream = process.stdout): 'blocks' | 'plain' {
  const { NO_COLOR, TERM } = process.env
  return stream.isTTY && !NO_COLOR && TERM !== 'dumb' ? 'blocks' : 'plain'
}
