/** What is refused, over raw sockets where a client library would set headers of its own. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import { createServer } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.js'
import { createViewer, nodeListener, type Viewer } from '../../../src/viewer/index.js'
import { codeOf, fill, open, tempFolder } from '../../helpers/store.js'
import { HOST, PAGE, scene } from '../scene.js'

interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

/** A viewer behind Node's server, and what it answers to these bytes. */
async function server(allowWrite = false) {
  const store = await open()
  await fill(store, 'ann', ['hello'])
  const http = createServer()
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  const viewer = createViewer(store, { hosts: [`127.0.0.1:${port}`, `localhost:${port}`], page: PAGE, allowWrite })
  http.on('request', nodeListener(viewer))
  onTestFinished(async () => {
    await viewer.close()
    http.close()
    http.closeAllConnections()
  })
  const send = async (text: string): Promise<Answer> => {
    const socket = net.connect(port, '127.0.0.1')
    socket.end(text.replaceAll('\n', '\r\n'))
    const parts: Buffer[] = []
    for await (const part of socket) parts.push(part as Buffer)
    const [head = '', ...body] = Buffer.concat(parts).toString().split('\r\n\r\n')
    const [first = '', ...lines] = head.split('\r\n')
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
    )
    return { status: Number(first.split(' ')[1]), headers, body: body.join('\r\n\r\n') }
  }
  return { port, viewer, send, store }
}

const get = (path: string, headers: string) => `GET ${path} HTTP/1.1\n${headers}\nConnection: close\n\n`
const PATHS = ['/', '/sessions', '/assets/app.js', '/api/sessions', '/api/login', '/nothing', '/api/nothing']

describe('the host', () => {
  test.each(PATHS)('%s is refused under any other name', async (path) => {
    const { port, viewer, send } = await server()
    const auth = `Authorization: Bearer ${viewer.token}`
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      `127.0.0.1:${port}.evil.example`,
      `127.0.0.1:${port}@evil.example`,
      '127.0.0.1',
      `127.0.0.1:${port + 1}`,
      '',
    ]) {
      expect([host, (await send(get(path, `Host: ${host}\n${auth}`))).status]).toEqual([host, 421])
    }
    const own = await send(get(path, `Host: localhost:${port}\n${auth}`))
    expect(own.status).not.toBe(421)
  })

  test('without one, or in the address itself, nothing is served', async () => {
    const { port, viewer, send } = await server()
    const auth = `Authorization: Bearer ${viewer.token}`
    expect((await send(`GET /api/sessions HTTP/1.0\n${auth}\n\n`)).status).toBe(421)
    expect((await send(get(`http://evil.example/api/sessions`, `Host: 127.0.0.1:${port}\n${auth}`))).status).toBe(400)
    expect((await send(get('//evil.example/api/sessions', `Host: 127.0.0.1:${port}\n${auth}`))).status).toBe(400)
  })
})

describe('other sites', () => {
  test.each(PATHS)('%s is refused to them', async (path) => {
    const { port, viewer, send } = await server()
    const own = `Host: 127.0.0.1:${port}\nAuthorization: Bearer ${viewer.token}`
    expect((await send(get(path, `${own}\nSec-Fetch-Site: cross-site`))).status).toBe(403)
    expect((await send(get(path, `${own}\nSec-Fetch-Site: same-site`))).status).toBe(403)
    const answer = await send(get(path, `${own}\nSec-Fetch-Site: same-origin`))
    expect(answer.status).not.toBe(403)
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('an origin of another scheme, host or port is refused', async () => {
    const { port, viewer, send } = await server()
    const own = `Host: 127.0.0.1:${port}\nAuthorization: Bearer ${viewer.token}`
    for (const origin of ['null', 'http://evil.example', `http://localhost:${port}`, `ftp://127.0.0.1:${port}`]) {
      expect((await send(get('/api/sessions', `${own}\nOrigin: ${origin}`))).status).toBe(403)
    }
    expect((await send(get('/api/sessions', `${own}\nOrigin: http://127.0.0.1:${port}`))).status).toBe(200)
  })
})

describe('the token', () => {
  test('without it there are only the files of the page', async () => {
    const { port, send } = await server()
    const host = `Host: 127.0.0.1:${port}`
    expect((await send(get('/', host))).status).toBe(200)
    expect((await send(get('/s/ann', host))).status).toBe(200)
    for (const path of ['/api/sessions', '/api/s/ann', '/api/events', '/api/raw?key=ann', '/api/nothing']) {
      expect((await send(get(path, host))).status).toBe(401)
      expect((await send(get(path, `${host}\nAuthorization: Bearer x`))).status).toBe(401)
      expect((await send(get(path, `${host}\nCookie: jsonl-sessions-${port}=x`))).status).toBe(401)
    }
  })

  test('is traded for a cookie that scripts and other sites do not get', async () => {
    const { port, viewer, send } = await server()
    const host = `Host: 127.0.0.1:${port}`
    const logIn = (token: string) => {
      const body = JSON.stringify({ token })
      const head = `POST /api/login HTTP/1.1\n${host}\nOrigin: http://127.0.0.1:${port}\nContent-Type: application/json`
      return send(`${head}\nContent-Length: ${body.length}\nConnection: close\n\n${body}`)
    }
    expect((await logIn('wrong')).status).toBe(401)
    const answer = await logIn(viewer.token)
    const cookie = answer.headers['set-cookie'] ?? ''
    expect(cookie).toMatch(new RegExp(`^jsonl-sessions-${port}=[\\w-]{43}; HttpOnly; SameSite=Strict; Path=/$`))
    expect(cookie).not.toContain(viewer.token)
    const served = await send(get('/api/sessions', `${host}\nCookie: other=1; ${cookie.split(';')[0]}`))
    expect(JSON.parse(served.body.slice(served.body.indexOf('{'), served.body.lastIndexOf('}') + 1))).toMatchObject({
      all: 1,
    })
  })
})

describe('methods and bodies', () => {
  test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])('%s is refused', async (method) => {
    const { port, viewer, send } = await server()
    const own = `Host: 127.0.0.1:${port}\nAuthorization: Bearer ${viewer.token}`
    for (const path of ['/', '/api/sessions', '/api/change']) {
      expect((await send(`${method} ${path} HTTP/1.1\n${own}\nConnection: close\n\n`)).status).toBe(405)
    }
  })

  test('HEAD has no body, and POST changes nothing in a viewer that reads', async () => {
    const { port, viewer, send } = await server()
    const own = `Host: 127.0.0.1:${port}\nAuthorization: Bearer ${viewer.token}`
    const head = await send(`HEAD /api/sessions HTTP/1.1\n${own}\nConnection: close\n\n`)
    expect([head.status, head.body]).toEqual([200, ''])
    const post = await send(
      `POST /api/change HTTP/1.1\n${own}\nOrigin: http://127.0.0.1:${port}\nContent-Type: application/json\nContent-Length: 2\nConnection: close\n\n{}`,
    )
    expect(post.status).toBe(403)
    expect(post.body).toContain('ERR_VIEWER_READ_ONLY')
  })

  test('a body that is no JSON, or too large, is refused', async () => {
    const { fetch } = await scene()
    const origin = `http://${HOST}`
    const post = (body: string, type: string) =>
      fetch('/api/login', { method: 'POST', body, headers: { origin, 'content-type': type } })
    expect((await post('{}', 'text/plain')).status).toBe(400)
    expect((await post('{', 'application/json')).status).toBe(400)
    expect((await post(JSON.stringify('x'.repeat(100_000)), 'application/json')).status).toBe(413)
  })
})

describe('paths', () => {
  test.each([
    '/../../etc/passwd',
    '/assets/../../package.json',
    '/assets/%2e%2e%2findex.html',
    '/assets/index.html',
    '/assets/app.js.map',
    '/assets/__proto__',
    '/s/a/b/c',
    '/api/s/ann/../../raw',
    '/api/quarantine/file?name=..&file=ann.jsonl',
    '/%00',
  ])('%s leads nowhere', async (path) => {
    const { port, viewer, send } = await server()
    const answer = await send(get(path, `Host: 127.0.0.1:${port}\nAuthorization: Bearer ${viewer.token}`))
    expect([404, 400]).toContain(answer.status)
    expect(answer.body).not.toContain('"version"')
  })

  test('an offset beyond the log, a broken range and a broken key are answered', async () => {
    const { store, ask, fetch } = await scene()
    await fill(store, 'ann', ['hello'])
    expect((await ask<{ lines: unknown[] }>('/api/s/ann/lines?at=999999999999')).body.lines).toEqual([])
    expect((await fetch('/api/raw?key=ann&at=999999999999&length=10')).status).toBe(200)
    expect((await ask('/api/s/ann/lines?at=-1')).status).toBe(400)
    expect((await ask('/api/s/ann/lines?at=1e9')).status).toBe(400)
    expect((await ask('/api/s/%FF/lines')).status).toBe(400)
    expect((await ask('/api/s/%ED%A0%80/lines')).status).toBe(400)
  })
})

test('every answer carries the headers that keep the page closed', async () => {
  const { fetch } = await scene()
  for (const path of [...PATHS, '/api/s/none', '/api/quarantine']) {
    const { headers } = await fetch(path)
    const policy = headers.get('content-security-policy') ?? ''
    for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "trusted-types 'none'"]) {
      expect(policy).toContain(part)
    }
    expect(policy).not.toContain('unsafe')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
  }
  expect((await fetch('/api/sessions')).headers.get('cache-control')).toBe('no-store')
})

describe('changes', () => {
  const change = (viewer: Viewer, body: unknown, more: Record<string, string> = {}) =>
    viewer.fetch(
      new Request(`http://${HOST}/api/change`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: {
          host: HOST,
          authorization: `Bearer ${viewer.token}`,
          'content-type': 'application/json',
          'x-write-token': viewer.writeToken ?? '',
          origin: `http://${HOST}`,
          ...more,
        },
      }),
    )

  test('need the second token and the origin', async () => {
    const { store, viewer } = await scene({ allowWrite: true })
    await fill(store, 'ann', ['x'])
    const rename = { do: 'rename', key: 'ann', name: 'Ann' }
    expect((await change(viewer, rename, { 'x-write-token': viewer.token })).status).toBe(401)
    expect((await change(viewer, rename, { origin: 'http://evil.example' })).status).toBe(403)
    expect(await store.session('ann').name()).toBeNull()
    expect((await change(viewer, rename)).status).toBe(200)
    expect(await store.session('ann').name()).toBe('Ann')
  })

  test('label, restore, and move to the trash; they make no session', async () => {
    const { store, viewer } = await scene({ allowWrite: true })
    const session = await fill(store, 'ann', ['x', 'y'])
    expect((await change(viewer, { do: 'tag', key: 'ann', tag: 'ops' })).status).toBe(200)
    expect(await session.tags()).toEqual(['ops'])
    const id = (await session.messages())[1]!.id as string
    await session.remove(id)
    expect((await change(viewer, { do: 'restore', key: 'ann', id })).status).toBe(200)
    expect((await session.messages()).map(({ content }) => content)).toEqual(['x', 'y'])
    expect((await change(viewer, { do: 'tag', key: 'nobody', tag: 'ops' })).status).toBe(400)
    expect((await change(viewer, { do: 'explode', key: 'ann' })).status).toBe(400)
    await session.setState('running', 't')
    expect((await change(viewer, { do: 'trash', key: 'ann' })).status).toBe(422)
    expect((await change(viewer, { do: 'end-dead-turn', key: 'ann' })).status).toBe(400)
    await session.setState('idle', 't')
    expect((await change(viewer, { do: 'trash', key: 'ann' })).status).toBe(200)
    expect((await store.trash()).map(({ key }) => key)).toEqual(['ann'])
    expect(await store.keys()).toEqual([])
  })
})

test('a viewer of a store that is open for reading changes no byte and makes no file', async () => {
  const folder = tempFolder()
  const writer = await open(folder)
  const session = await fill(writer, 'ann', ['x', 'y'])
  fs.appendFileSync(session.path, 'bad\n')
  await session.setState('running', 't')
  await session.setState('idle', 't')
  await writer.close()
  const before = stateOf(folder)
  const store = await openStore(folder, { readOnly: true })
  const viewer = createViewer(store, { hosts: [HOST], page: PAGE })
  const ask = (path: string) =>
    viewer.fetch(
      new Request(`http://${HOST}${path}`, { headers: { host: HOST, authorization: `Bearer ${viewer.token}` } }),
    )
  const events = await ask('/api/events?s=ann&list=1')
  for (const path of [
    'sessions',
    'running',
    'check',
    'usage',
    'quarantine',
    'search?q=xy',
    's/ann',
    's/ann/context',
    's/ann/graph',
    's/ann/find?q=xy',
    's/ann/lines?at=end',
  ]) {
    expect((await (await ask(`/api/${path}`)).text()).length).toBeGreaterThan(0)
  }
  await events.body?.cancel()
  await viewer.close()
  await store.close()
  expect(stateOf(folder)).toEqual(before)
})

/** Each file below a folder with a hash of its bytes. */
function stateOf(folder: string): string[] {
  const files = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  return files.map((file) => {
    const place = path.join(folder, file)
    const bytes = fs.statSync(place).isFile() ? fs.readFileSync(place) : ''
    return `${file} ${createHash('sha256').update(bytes).digest('hex')}`
  })
}

test('wrong options are errors', async () => {
  const store = await open()
  const make = (options: unknown) => codeOf(Promise.resolve().then(() => createViewer(store, options as never)))
  expect(await make({})).toContain('hosts')
  expect(await make({ hosts: [] })).toContain('hosts')
  expect(await make({ hosts: [HOST], base: 'x/' })).toContain('base')
  expect(await make({ hosts: [HOST], token: 'short' })).toContain('token')
  expect(await make({ hosts: [HOST], colour: 'red' })).toContain('colour')
})
