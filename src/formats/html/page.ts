/** A session as one HTML page: readable without script, and asking nothing of any other place. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { callsIn } from '../export/openai.js'
import type { Heading, Said, SessionReading } from '../export/read-session.js'
import { partsOf, visible } from '../export/visible.js'
import { STYLE } from './style.js'

const IMAGE_TYPES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

export async function* toHtml(reading: SessionReading, context: boolean): AsyncGenerator<string> {
  yield head(reading.heading)
  const { summaries } = reading.heading
  for (const { at, summary } of context ? [] : summaries) {
    yield `<article class="summary"><h2>summary ${time(at)}</h2>${text(summary)}</article>\n`
  }
  for await (const said of reading.messages({ context })) if (typeof said.value.role === 'string') yield article(said)
  yield '</main>\n</body>\n</html>\n'
}

function head({ key, created, labels }: Heading): string {
  const title = typeof labels.name === 'string' ? labels.name : key
  const tags = Array.isArray(labels.tags)
    ? labels.tags.map((tag) => ` <span class="tag">${escaped(`${tag}`)}</span>`).join('')
    : ''
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${escaped(title)}</h1><p>${escaped(key)} ${time(created)}${tags}</p></header>
<main>
`
}

function article({ id, at, value }: Said): string {
  const { role, name, content, thinking } = value
  const who = typeof name === 'string' ? `${role} (${name})` : `${role}`
  const parts = partsOf(content).map((part) => ('text' in part ? text(part.text) : other(part.other)))
  const shown =
    role === 'tool'
      ? details(`result${value.toolCallId === undefined ? '' : ` of ${value.toolCallId}`}`, parts.join(''))
      : parts.join('')
  const thought = Array.isArray(thinking) ? details('thinking', text(thinking.map(thoughtText).join('\n\n'))) : ''
  const calls = callsIn(value).map((call) => {
    const given = call.arguments ?? null
    return details(`call ${call.name ?? ''}`, text(typeof given === 'string' ? given : JSON.stringify(given, null, 2)))
  })
  const kind = ['user', 'assistant', 'system', 'tool'].includes(`${role}`) ? `${role}` : 'other'
  return `<article class="${kind}" id="m-${escaped(id)}"><h2>${escaped(who)} ${time(at)}</h2>${thought}${shown}${calls.join('')}</article>\n`
}

function thoughtText(block: Json): string {
  if (!isObject(block)) return `${block}`
  const said = block.thinking ?? block.text ?? block.description
  return typeof said === 'string' ? said : JSON.stringify(block, null, 2)
}

/** An image that the message holds itself; anything else as its JSON. */
function other(part: Json): string {
  const image = isObject(part) ? imageIn(part) : undefined
  return image === undefined ? details('data', text(JSON.stringify(part, null, 2))) : `<img alt="image" src="${image}">`
}

function imageIn(part: JsonObject): string | undefined {
  const source = isObject(part.source) ? part.source : isObject(part.inlineData) ? part.inlineData : undefined
  const type = source?.media_type ?? source?.mimeType
  if (source !== undefined && typeof type === 'string') return dataUrl(type, source.data)
  const url = isObject(part.image_url) ? part.image_url.url : undefined
  const match = typeof url === 'string' ? /^data:([a-z/]+);base64,(.*)$/s.exec(url) : null
  return match === null ? undefined : dataUrl(match[1] as string, match[2])
}

function dataUrl(type: string, data: Json | undefined): string | undefined {
  if (!IMAGE_TYPES.has(type) || typeof data !== 'string' || !/^[A-Za-z0-9+/=\s]*$/.test(data)) return undefined
  return `data:${type};base64,${data.replace(/\s/g, '')}`
}

function text(given: string): string {
  return given === '' ? '' : `<pre>${escaped(visible(given))}</pre>`
}

function details(title: string, html: string): string {
  return `<details><summary>${escaped(title)}</summary>${html}</details>`
}

function time(at: string): string {
  return `<time datetime="${escaped(at)}">${escaped(at.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'))}</time>`
}

function escaped(given: string): string {
  return visible(given).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
