import { appendFileSync, chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { RemoteStore } from '../helpers/child.js'
import { fill, open, tempFolder } from '../helpers/store.js'
import { run } from './run.js'

async function damaged(): Promise<string> {
  const root = `${tempFolder()}/sessions`
  const store = await open(root)
  await fill(store, 'ann', ['1', '2'])
  await fill(store, 'bob', ['1'])
  await store.close()
  appendFileSync(`${root}/ann.jsonl`, 'gar\x1bbage\n')
  chmodSync(`${root}/bob.jsonl`, 0o644)
  return root
}

const files = (root: string) => readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()

test('check --fix --dry-run prints what --fix does, and changes nothing; a second run is clean', async () => {
  const root = await damaged()
  const check = (...args: string[]) => run(['check', '--root', root, ...args])
  expect((await check()).code).toBe(1)
  const before = files(root)
  const would = await check('--fix', '--dry-run')
  expect(would.code).toBe(1)
  expect(files(root)).toEqual(before)
  const did = await check('--fix')
  expect(did.code).toBe(0)
  expect(did.err).toBe(would.err.replaceAll('would:', 'did:'))
  expect(did.out).toBe(would.out)
  expect(await check()).toEqual({ code: 0, out: '2 sessions, 3 messages, no damage\n', err: '' })
  const [kept] = readdirSync(`${root}/.quarantine/ann`)
  expect(readFileSync(`${root}/.quarantine/ann/${kept}`, 'utf8')).toBe('gar\x1bbage\n')
})

test('check --json is one object, with a finding for each', async () => {
  const root = await damaged()
  const { code, out } = await run(['check', '--root', root, '--json'])
  const { sessions, messages, findings } = JSON.parse(out)
  expect([code, sessions, messages]).toEqual([1, 2, 3])
  expect(findings).toMatchObject([
    { kind: 'damaged-line', key: 'ann', line: 4, remedy: 'rewrite', isDamage: true },
    { kind: 'permissions', remedy: 'restrict' },
  ])
})

test('check --fix of a session in use is exit code 4, and nothing is taken out', async () => {
  const root = await damaged()
  const holder = await RemoteStore.openLeased(root)
  await holder.append('ann', 'mine')
  holder.kill('SIGSTOP')
  const { code, err } = await run(['check', '--root', root, '--fix', 'ann'])
  holder.kill('SIGCONT')
  expect(code).toBe(4)
  expect(err).toContain('ERR_LOCKED')
  expect(existsSync(`${root}/.quarantine`)).toBe(false)
})

test('wrong usage is 2', async () => {
  const root = await damaged()
  expect((await run(['check', '--root', root, '--dry-run'])).code).toBe(2)
  expect((await run(['check', '--root', root, '--all', 'ann'])).code).toBe(2)
  expect((await run(['check', '--root', root, '--all'])).code).toBe(1)
})
