/** The pager, in a terminal of its own. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { fill } from '../helpers/store.js'
import { folder, MAIN, run } from './run.js'

const HAS_SCRIPT = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true

test.skipIf(!HAS_SCRIPT)(
  'long output goes through $PAGER on a terminal; one that is left early is no error',
  async () => {
    const root = path.join(await folder(), 'sessions')
    const store = await openStore(root)
    for (const key of ['a', 'b', 'c']) await fill(store, key, ['hello'])
    await store.close()
    const list = (pager: string) => {
      const command = `${process.execPath} ${MAIN} list --root ${root}; echo "code $?"`
      const env = { PATH: process.env.PATH, TERM: 'xterm', NO_COLOR: '1', PAGER: pager } as unknown as NodeJS.ProcessEnv
      return spawnSync('script', ['-qec', command, '/dev/null'], { env, encoding: 'utf8', timeout: 60_000 }).stdout
    }
    expect(list("sed 's/^/> /'").match(/^> [abc] /gm)).toHaveLength(3)
    expect(list('head -n 1')).toMatch(/^KEY .*\r\ncode 0\r\n$/)
    expect(list('cat')).toContain('code 0')
    expect((await run(['list', '--root', root], { env: { PAGER: 'false' } })).out).toContain('hello')
  },
)
