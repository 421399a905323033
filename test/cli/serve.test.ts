import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { fill, open, tempFolder } from '../helpers/store.js'
import { run, start } from './run.js'

const LIB = fileURLToPath(new URL('../../dist/lib', import.meta.url))

/** The files that a file loads when it is imported. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const text = fs.readFileSync(file, 'utf8')
  for (const [, from] of text.matchAll(/^(?:import|export|\})[^'"\n]*["'](\.[^'"\n]+\.js)["']/gm)) {
    loadedBy(path.resolve(path.dirname(file), from as string), seen)
  }
  return seen
}

describe('serve', () => {
  test('prints an address that serves the page and, with its token, the sessions', async () => {
    const store = await open(tempFolder())
    await fill(store, 'ann', ['hello'])
    await store.close()
    const { child, done, says } = start(['serve', '--root', store.dir])
    await says('read-only')
    child.kill('SIGTERM')
    const { code, out } = await done
    expect(code).toBe(0)
    expect(out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#t=[\w-]{43}\n$/)
  })

  test('ends with 130 by Ctrl-C, with an open page too, and says that changes are allowed', async () => {
    const store = await open(tempFolder())
    await fill(store, 'ann', ['hello'])
    await store.close()
    const { child, done, says } = start(['serve', '--root', store.dir, '--allow-write'])
    let address = ''
    child.stdout.on('data', (text) => {
      address += text
    })
    await says('with changes allowed')
    const { origin, hash } = new URL(address)
    expect(hash).toMatch(/^#t=[\w-]{43}&w=[\w-]{43}$/)
    const authorization = `Bearer ${new URLSearchParams(hash.slice(1)).get('t')}`
    const events = await fetch(`${origin}/api/events?s=ann&list=1`, { headers: { authorization } })
    expect(events.status).toBe(200)
    child.kill('SIGINT')
    expect((await done).code).toBe(130)
    await events.body?.cancel().catch(() => undefined)
  })

  test('a folder that is not there, a port that is taken, an address for others', async () => {
    const root = path.join(tempFolder(), 'nothing')
    expect(await run(['serve', '--root', root])).toMatchObject({ code: 3, out: '' })
    const folder = tempFolder()
    expect(await run(['serve', '--root', folder, '--host', '0.0.0.0'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--i-know'),
    })
    expect(await run(['serve', '--root', folder, '--port', '70000'])).toMatchObject({ code: 2 })
  })
})

describe('the viewer is loaded by no other command', () => {
  const holdsViewer = (file: string) => fs.readFileSync(file, 'utf8').includes('ERR_VIEWER_')

  test('not by the library', () => {
    const files = [...loadedBy(path.join(LIB, 'index.js'))]
    expect(files).toContain(path.join(LIB, 'store.js'))
    expect(files.filter(holdsViewer)).toEqual([])
  })

  test('not by any other command', () => {
    const parts = path.join(LIB, 'cli')
    expect([...loadedBy(path.join(parts, 'serve.js'))].filter(holdsViewer)).toHaveLength(1)
    const others = fs.readdirSync(parts).filter((name) => name !== 'serve.js')
    const loaded = new Set<string>()
    for (const name of others) loadedBy(path.join(parts, name), loaded)
    expect(loaded.size).toBeGreaterThan(20)
    expect([...loaded].filter(holdsViewer)).toEqual([])
  })
})
