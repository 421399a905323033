/** One bad thing stops nothing else: every name of a store's folder, bad in every way, under every verb. */
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { messageOf, start } from '../helpers/child.js'
import { buildForAll, IS_ROOT, NOBODY } from '../helpers/other-user.js'
import { SOAK, tempFolder } from '../helpers/store.js'

interface Outcome {
  wrong: string[]
  calls: number
  cases: number
}

const SHARE = SOAK ? 1 : 3

describe.skipIf(!IS_ROOT)('for a user without rights', () => {
  const build = buildForAll(['bad-names.mjs'])

  function table(share: number, commands: 'yes' | 'no'): Promise<Outcome> {
    const top = tempFolder()
    fs.chmodSync(top, 0o777)
    return messageOf<Outcome>(start(build.script('bad-names.mjs'), [top, `${NOBODY}`, `${share}`, commands]))
  }

  test('calls on anything else go on, and an error has a code and a path', async () => {
    const { wrong, calls, cases } = await table(SHARE, 'no')
    expect(wrong).toEqual([])
    expect(cases).toBeGreaterThan(60)
    expect(calls).toBeGreaterThan(4_000)
  })

  test('commands end, and none crashes', async () => {
    const { wrong, cases } = await table(SHARE * 11, 'yes')
    expect(wrong).toEqual([])
    expect(cases).toBeGreaterThan(5)
  })
})
