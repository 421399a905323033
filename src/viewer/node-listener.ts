/** A viewer behind Node's own HTTP server. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { badRequest, failure } from './api/answers.js'
import { withHeaders } from './api/guard.js'
import type { Viewer } from './viewer.js'

/** For `http.createServer(nodeListener(viewer))`. */
export function nodeListener(
  viewer: Pick<Viewer, 'fetch'>,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    serve(viewer, request, response).catch(() => response.destroy())
  }
}

async function serve(
  viewer: Pick<Viewer, 'fetch'>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { url = '', method = 'GET' } = incoming
  // an absolute address would bring a host of its own
  const isPath = url.startsWith('/') && !url.startsWith('//')
  const answer = isPath
    ? await viewer.fetch(requestOf(incoming, url, method))
    : withHeaders(failure(badRequest('the address must be a path')))
  outgoing.writeHead(answer.status, [...answer.headers].flat())
  if (answer.body === null || method === 'HEAD') {
    await answer.body?.cancel()
    outgoing.end()
    return
  }
  await send(answer.body, outgoing)
}

function requestOf(incoming: IncomingMessage, url: string, method: string): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined && !name.startsWith(':')) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  const body = method === 'GET' || method === 'HEAD' ? null : (Readable.toWeb(incoming) as ReadableStream)
  // the host is judged by its header; this one only makes an address
  return new Request(`http://localhost${url}`, { method: known(method), headers, body, duplex: 'half' } as RequestInit)
}

/** `Request` refuses some methods by itself. */
function known(method: string): string {
  return ['CONNECT', 'TRACE', 'TRACK'].includes(method.toUpperCase()) ? 'OPTIONS' : method
}

async function send(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader()
  const gone = new Promise<'gone'>((resolve) => outgoing.once('close', () => resolve('gone')))
  for (;;) {
    const part = await Promise.race([reader.read(), gone])
    if (part === 'gone') {
      await reader.cancel()
      return
    }
    if (part.done) break
    if (!outgoing.write(part.value)) {
      await Promise.race([new Promise((resolve) => outgoing.once('drain', resolve)), gone])
    }
  }
  outgoing.end()
}
