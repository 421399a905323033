/** A session as one HTML page: readable without script, and asking nothing of any other place. */
import type { Heading, LiveMessage, SessionReading } from '../export/read-session.js'
import { markdown } from './markdown.js'
import { messageBody, resultOf } from './message.js'
import { escaped, toHtmlText } from './nodes.js'
import { STYLE } from './style.js'

export async function* toHtml(reading: SessionReading, context: boolean): AsyncGenerator<string> {
  yield head(reading.heading)
  const { summaries } = reading.heading
  for (const { at, summary } of context ? [] : summaries) {
    yield `<article class="summary"><h2>summary ${time(at)}</h2>${toHtmlText(markdown(summary))}</article>\n`
  }
  for await (const live of reading.messages({ context })) if (typeof live.value.role === 'string') yield article(live)
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

function article({ id, at, value }: LiveMessage): string {
  const { role, name } = value
  const who = typeof name === 'string' ? `${role} (${name})` : `${role}`
  const call = resultOf(value)
  const kind = ['user', 'assistant', 'system', 'tool'].includes(`${role}`) ? `${role}` : 'other'
  const of = call === null ? '' : ` of ${escaped(call)}`
  return `<article class="${kind}" id="m-${escaped(id)}"><h2>${escaped(who)}${of} ${time(at)}</h2>${toHtmlText(messageBody(value))}</article>\n`
}

function time(at: string): string {
  return `<time datetime="${escaped(at)}">${escaped(at.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'))}</time>`
}
