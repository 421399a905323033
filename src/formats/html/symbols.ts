/** Text of strangers, with what would not be seen, or would move what stands beside it, shown as a symbol. */

// C0 and C1 controls but tab and line feed, invisible and bidirectional controls, tags, lone surrogates
const UNSEEN =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const NAMES: Readonly<Record<number, string>> = {
  8203: 'ZWSP',
  8206: 'LRM',
  8207: 'RLM',
  8232: 'LS',
  8233: 'PS',
  8234: 'LRE',
  8235: 'RLE',
  8236: 'PDF',
  8237: 'LRO',
  8238: 'RLO',
  8294: 'LRI',
  8295: 'RLI',
  8296: 'FSI',
  8297: 'PDI',
  1564: 'ALM',
  65279: 'BOM',
}

/** `␛` for ESC, `⟨RLO⟩` for a right-to-left override. */
export function shownText(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(UNSEEN, (char) => {
    const code = char.codePointAt(0) as number
    if (code < 0x20) return String.fromCharCode(0x2400 + code)
    if (code === 0x7f) return '␡'
    return `⟨${NAMES[code] ?? code.toString(16).toUpperCase().padStart(4, '0')}⟩`
  })
}
