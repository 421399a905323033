import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { folder, run, start } from './run.js'

vi.setConfig({ testTimeout: 60_000 })

let root: string

beforeEach(async () => {
  root = join(await folder(), 'sessions')
  mkdirSync(root)
})

const checkFs = (...options: string[]) => ['check', 'fs', ...options, '--root', root]

describe('check fs', () => {
  test('alone: five lines of result and a verdict, and nothing is left', async () => {
    const { code, out, err } = await run(checkFs())
    expect(out.trimEnd().split('\n')).toEqual([
      'mutual exclusion: 10 of 10 races had one winner',
      expect.stringMatching(/^stale view: \d+\.\d\d s/),
      expect.stringMatching(/^write buffer: \d+\.\d\d s/),
      'watch: events of the other peer arrive',
      expect.stringMatching(/^stale handles: 0 of 3 /),
      expect.stringMatching(/^verdict: local /),
    ])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(readdirSync(root)).toEqual([])
  })

  test('with a peer: two processes that meet in the folder say the same', async () => {
    const peer = () => start(checkFs('--peer', '--json')).done
    const [first, second] = await Promise.all([peer(), peer()])
    for (const { code, err } of [first, second]) {
      expect(code).toBe(0)
      expect(err).toContain('waiting for the peer')
    }
    const result = JSON.parse(first.out)
    expect(result).toMatchObject({
      peer: true,
      drive: { place: 'local' },
      measured: { races: 10, won: 10, wonByBoth: 0 },
    })
    expect(JSON.parse(second.out)).toEqual(result)
    expect(readdirSync(root)).toEqual([])
  })

  test('a peer that does not come ends it with an error, and a folder that is not there is not made', async () => {
    const { code, err } = await run(checkFs('--peer', '--wait', '1s'))
    expect(code).toBe(1)
    expect(err).toMatch(/peer/)
    expect(readdirSync(root)).toEqual([])
    const missing = await run(['check', 'fs', '--root', join(root, 'none')])
    expect(missing.code).not.toBe(0)
    expect(readdirSync(root)).toEqual([])
  })
})
