/** Export as a Markdown document. */
import type { Json } from '../../base/json.js'
import { callsIn } from './openai.js'
import type { Heading, LiveMessage, SessionReading } from './read-session.js'
import { partsOf, visible, visibleLine } from './visible.js'

export async function* toMarkdown(reading: SessionReading, context: boolean): AsyncGenerator<string> {
  yield frontMatter(reading.heading)
  const { summaries } = reading.heading
  for (const { at, summary } of context ? [] : summaries) yield `\n## summary · ${at}\n\n${fenced(summary)}\n`
  for await (const live of reading.messages({ context }))
    if (typeof live.value.role === 'string') yield messageText(live)
}

function frontMatter({ key, created, labels }: Heading): string {
  const rows: Array<[string, Json | undefined]> = [
    ['session', key],
    ['name', labels.name],
    ['created', created],
    ['tags', labels.tags],
    ['project', labels.projectRoot],
  ]
  const shown = rows.filter(([, value]) => typeof value === 'string' || (Array.isArray(value) && value.length > 0))
  // JSON is YAML as well, and whatever stands in it stays in its line
  const lines = shown.map(([name, value]) => `${name}: ${visibleLine(JSON.stringify(value))}\n`)
  const title = typeof labels.name === 'string' ? labels.name : key
  return `---\n${lines.join('')}---\n\n# ${escaped(visibleLine(title))}\n`
}

function messageText({ at, value }: LiveMessage): string {
  const { role, name, content, thinking } = value
  const who = typeof name === 'string' ? `${role} (${visibleLine(name)})` : `${role}`
  const parts = partsOf(content).map((part) => {
    return 'text' in part ? body(`${role}`, part.text) : fenced(JSON.stringify(part.other, null, 2), 'json')
  })
  const more = [
    ...(Array.isArray(thinking) ? [details('thinking', fenced(JSON.stringify(thinking, null, 2), 'json'))] : []),
    ...callsIn(value).map(({ id, name: tool, arguments: given }) => {
      const title = `call ${tool ?? ''}${id === undefined ? '' : ` (${id})`}`
      const isText = typeof given === 'string'
      return details(title, fenced(isText ? given : JSON.stringify(given ?? null, null, 2), isText ? '' : 'json'))
    }),
  ]
  const isResult = role === 'tool'
  const said = isResult
    ? [details(`result${value.toolCallId === undefined ? '' : ` of ${value.toolCallId}`}`, parts.join('\n\n'))]
    : parts
  return `\n## ${escaped(visibleLine(who))} · ${at}\n\n${[...said, ...more].map((part) => `${part}\n`).join('\n')}`
}

/** What a model or a person wrote is Markdown already; a result is plain text. */
function body(role: string, text: string): string {
  return role === 'tool' ? fenced(text) : closed(visible(text))
}

/** A fence that the text leaves open ends with the text. */
function closed(text: string): string {
  let open: string | undefined
  for (const line of text.split('\n')) {
    const [, fence] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? []
    if (fence === undefined) continue
    if (open === undefined) open = fence
    else if (fence[0] === open[0] && fence.length >= open.length && line.trim() === fence) open = undefined
  }
  const safe = text.replace(/^(\s*)<(\/?(?:details|summary))/gim, '$1&lt;$2')
  return open === undefined ? safe : `${safe}\n${open}`
}

/** A block with a fence that is longer than any in it. */
function fenced(text: string, language = ''): string {
  const shown = visible(text)
  const longest = [...shown.matchAll(/`{3,}/g)].reduce((length, [run]) => Math.max(length, run.length), 2)
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${shown}\n${fence}`
}

function details(title: string, text: string): string {
  return `<details><summary>${asHtml(visibleLine(title))}</summary>\n\n${text}\n\n</details>`
}

function asHtml(text: string): string {
  return text.replace(/[&<>]/g, (char) => (char === '&' ? '&amp;' : char === '<' ? '&lt;' : '&gt;'))
}

function escaped(text: string): string {
  return asHtml(text).replace(/([\\`*_[\]#])/g, '\\$1')
}
