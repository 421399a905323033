/** The page in a real Chromium: every view, hostile text, live change by other processes, sizes, and that it only reads. */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.js'
import { segmentOf } from '../../src/viewer/api/addresses.js'
import { messageOf, start } from '../helpers/child.js'
import { open, tempFolder, until } from '../helpers/store.js'
import { CAN_MOUNT, CHROMIUM, launch, packaged, type Served, serve, visit } from './browser.js'
import { everything, settled, VIEWS } from './everything.js'

let browser: Browser
if (CHROMIUM === undefined) process.stderr.write('no chromium: the tests of the page of the viewer are skipped\n')

/** Closes the store, so that no lease of this process is in the folder, and serves it. */
async function shown(store: SessionStore) {
  await store.close()
  return serve(store.dir)
}

/** The tree of a view that has not changed for a while: some facts come after the view. */
async function restingTree(page: Page, served: Served): Promise<string> {
  for (let tree = ''; ; ) {
    const next = plain(await page.locator('body').ariaSnapshot(), served)
    if (next === tree) return tree
    tree = next
    await page.waitForTimeout(300)
  }
}

/** A tree without what differs from run to run: times, ids, places, sizes, folders. */
function plain(tree: string, { origin, root }: Served): string {
  return tree
    .replaceAll(origin, 'ORIGIN')
    .replaceAll(root, 'ROOT')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: UTC|Z)?)?/g, 'TIME')
    .replaceAll(/\d{1,2}:\d\d(?::\d\d)?(?: [AP]M)?/g, 'TIME')
    .replaceAll(/\b\d+ m?s\b(?: ago)?|\bnow\b/g, 'AGE')
    .replaceAll(/\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \w+ \d+(?:, \d+)?|\w+day \d+ \w+ \d+/g, 'DAY')
    .replaceAll(/(byte |at=|length=|to |of |log": ")[\d,]+(?= of|"|:|&|$)/gm, '$1N')
    .replaceAll(/[\d.,]+ (?:bytes|KB|B)\b/g, 'SIZE')
}

describe.skipIf(CHROMIUM === undefined)('in Chromium', () => {
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser.close())

  test('every view is accessible, in the light theme and in the dark one', async () => {
    const served = await shown(await everything())
    const { page, faults } = await visit(browser, served, { bypassCSP: true })
    const axe = packaged('axe-core/axe.min.js')
    const violations: string[] = []
    for (const view of VIEWS) {
      await page.goto(served.origin + view)
      await settled(page)
      await page.evaluate(axe)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        const found = await page.evaluate(async (isDark) => {
          // what the colours are is all that differs
          const tags = isDark ? ['color-contrast'] : ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
          // biome-ignore lint/suspicious/noExplicitAny: axe has put itself there
          const { violations } = await (globalThis as any).axe.run({ runOnly: tags })
          return violations.map(
            ({ id, nodes }: { id: string; nodes: Array<{ html: string }> }) => `${id}: ${nodes[0]?.html}`,
          )
        }, colorScheme === 'dark')
        violations.push(...found.map((one: string) => `${view} in ${colorScheme}: ${one}`))
      }
    }
    expect(violations).toEqual([])
    expect(faults).toEqual([])
  })

  test('what a view says is there for readers who cannot see it', async () => {
    const served = await shown(await everything())
    const { page } = await visit(browser, served)
    const now = await page.locator('main').ariaSnapshot()
    expect(now).toContain('- heading "Now" [level=1]')
    expect(now).toContain('- heading "Ended in error" [level=2]')
    expect(now).toContain('- heading "Damage" [level=2]')
    expect(now).toContain('⚠ 2 bad lines')
    await page.goto(`${served.origin}/s/telegram_ann?at=0`)
    const rows = page.getByRole('log').getByRole('article')
    await rows.first().waitFor()
    // until the facts are there, the heading is the key
    await page.getByRole('heading', { name: "Ann's calendar" }).waitFor()
    const session = await page.locator('main').ariaSnapshot()
    expect(session).toContain('- heading "Ann\'s calendar" [level=1]')
    expect(session).toContain('- article "user,')
    expect(session).toContain('- strong: today')
    expect(session).toContain('- link "https://example.org/x"')
    const calls = await rows.locator('.call > summary').allTextContents()
    expect(calls).toMatchObject([
      expect.stringMatching(/^call calendar · answered in \d+ ms today$/),
      expect.stringMatching(/^call edit · ✕ failed, answered in \d+ ms a x y x z$/),
      expect.stringMatching(/^call never · not answered $/),
    ])
    expect(session).toContain('- deletion: "- y"')
    expect(session).toContain('- insertion: + z')
    expect(session).toContain('⚠ a line that cannot be read')
    expect(session).not.toContain('taken back')
    await page.getByRole('button', { name: 'Removed' }).click()
    await page.getByText('taken back').waitFor()
    await page.goto(`${served.origin}/sessions`)
    await page.locator('.rows li a').first().waitFor()
    const list = await page.locator('.rows').ariaSnapshot()
    expect(list).toContain('- link "Ann\'s calendar"')
    expect(list).toContain('✕ error')
    expect(await page.locator('.rows li').first().getAttribute('aria-setsize')).toBe('4')
  })

  test('the raw line, its bytes and its place; what is no UTF-8 in hexadecimal; quarantine', async () => {
    const store = await everything()
    const lines = fs.readFileSync(store.session('telegram_ann').path, 'latin1').split('\n')
    const served = await shown(store)
    const { page, faults } = await visit(browser, served)
    await page.goto(`${served.origin}/s/telegram_ann?at=0`)
    const question = page.getByRole('article', { name: /^user/ }).first()
    await question.getByRole('button', { name: /^Raw line/ }).click()
    await question.getByText('as it is stored').waitFor()
    expect(await question.locator('.bytes').first().textContent()).toContain(lines[3])
    expect(await question.locator('.raw-line').textContent()).toContain('telegram_ann.jsonl:4')
    const bad = page.getByRole('article', { name: 'damage' }).last()
    await bad.getByRole('button', { name: /^Raw line/ }).click()
    await bad.getByText('7b ff 0a').waitFor()
    await page.goto(`${served.origin}/health`)
    await page.getByText('jsonl-sessions check --fix telegram_ann').first().waitFor()
    expect(await page.locator('main').textContent()).toContain(`telegram_ann.jsonl:${lines.length - 2}`)
    await page.getByRole('button', { name: /^q\// }).click()
    await page.getByText('kept aside').waitFor()
    expect(faults).toEqual([])
  })

  test('keys, addresses and the way back', async () => {
    const served = await shown(await everything())
    const { page } = await visit(browser, served)
    await page.keyboard.press('/')
    await page.keyboard.type('today')
    await page.keyboard.press('Enter')
    await page.getByText('1 session found').waitFor()
    await page.getByRole('link', { name: "Ann's calendar" }).click()
    const current = page.locator('.row.current')
    await current.waitFor()
    expect(await current.textContent()).toContain('What is on today?')
    expect(new URL(page.url()).hash).not.toBe('')
    await page.locator('h1').click()
    await page.keyboard.press('j')
    await until(async () => ((await current.textContent()) ?? '').includes('Plan'))
    await page.keyboard.press('t')
    await page.getByText('Let me see.').waitFor()
    await page.keyboard.press('r')
    await current.getByText('as it is stored').waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'Search' }).waitFor()
    await page.goto(`${served.origin}/sessions?q=ann&state=idle`)
    await page.getByText('1 of 4 sessions').waitFor()
    await page.getByLabel('Key or name').fill('nobody')
    await page.getByText('No session is like that.').waitFor()
    expect(new URL(page.url()).searchParams.get('q')).toBe('nobody')
  })

  test('no view needs to be scrolled sideways at four times the size', async () => {
    const served = await shown(await everything())
    const { page } = await visit(browser, served, { viewport: { width: 320, height: 640 } })
    for (const view of VIEWS) {
      await page.goto(served.origin + view)
      await settled(page)
      const wide = await page.evaluate(() =>
        [document.documentElement, ...document.querySelectorAll('main, .transcript, .side')]
          .filter((element) => element.scrollWidth > element.clientWidth + 1)
          .map((element) => element.className || element.tagName),
      )
      expect([view, wide]).toEqual([view, []])
    }
  })

  test('without its token the page says so, and the token does not stay in the address', async () => {
    const served = await shown(await everything())
    const { page, context } = await visit(browser, served)
    expect(page.url()).not.toContain('t=')
    await context.clearCookies()
    await page.goto(`${served.origin}/sessions`)
    await page.getByText('This page needs its token').waitFor()
  })

  describe('hostile text', () => {
    const ATTACKS = [
      '<script>alert(1)</script>',
      '<img src=x onerror=alert(1)>',
      '<img src="//evil.example/x.png">',
      '<svg onload=alert(1)><a xlink:href="javascript:alert(1)">x</a></svg>',
      '<math href="javascript:alert(1)">x</math>',
      '<template><img src=x onerror=alert(1)></template>',
      'before <b onmouseover="alert(1)',
      '![x](https://evil.example/x.png)',
      '[x](javascript:alert(1))',
      '[x](data:text/html,<script>alert(1)</script>)',
      '\u202eevil\u202c',
      '\x1b[31mred\x1b[0m',
      'a\x00b',
    ]
    const SEEN = (text: string) =>
      text.replaceAll('\u202e', '⟨RLO⟩').replaceAll('\u202c', '⟨PDF⟩').replaceAll('\x1b', '␛').replaceAll('\x00', '␀')

    test('does nothing anywhere, and can be read', async () => {
      const store = await open(tempFolder())
      const all = ATTACKS.join(' ')
      for (const [i, attack] of ATTACKS.entries()) {
        const session = store.session(`${i} ${attack}`)
        await session.setName(attack)
        await session.tag([attack])
        await session.setMetadata(attack, attack)
        await session.append({ role: 'user', content: `see: ${attack}` })
        await session.append({
          role: attack,
          name: attack,
          content: [{ type: attack, text: attack }],
          toolCalls: [{ id: attack, name: attack, arguments: { [attack]: attack, __proto__: attack } }],
        })
        fs.appendFileSync(session.path, `bad: ${attack.replaceAll('\x00', '')}\n`)
      }
      const word = await store.session('word').append({ role: 'user', content: 'x'.repeat(1_000_000) })
      expect(word).toBeDefined()
      fs.writeFileSync(path.join(store.dir, 'word (<img src=x onerror=alert(1)> conflicted copy 2026-11-21).jsonl'), '')
      const served = await shown(store)
      const { page, faults } = await visit(browser, served)
      for (const [i, attack] of ATTACKS.entries()) {
        await page.goto(`${served.origin}/s/${segmentOf(`${i} ${attack}`)}?records=1`)
        await page
          .getByText(`bad: ${SEEN(attack.replaceAll('\x00', ''))}`)
          .first()
          .waitFor()
        await page.getByRole('button', { name: 'Expand all' }).click()
        const text = ((await page.locator('body').textContent()) ?? '').replaceAll('\\"', '"').replaceAll('\\\\', '\\')
        expect(text).toContain(attack.startsWith('![x]') ? 'see: image: x (evil.example)' : `see: ${SEEN(attack)}`)
        expect(await page.title()).toBe('jsonl-sessions')
        await page.getByText('call ').first().hover()
      }
      for (const view of ['/', '/sessions', '/health', '/usage', `/search?q=${encodeURIComponent('see')}`, '/s/word']) {
        await page.goto(served.origin + view)
        await settled(page)
      }
      for (const element of ['script[src*=evil]', 'img', 'svg', 'math', 'template', 'iframe']) {
        expect(await page.locator(`main ${element}`).count()).toBe(0)
      }
      expect(all.length).toBeGreaterThan(100)
      expect(faults).toEqual([])
    })
  })

  describe('live', () => {
    test('what another process appends, runs, rewrites and deletes is shown; the place that is read stays', async () => {
      const folder = tempFolder()
      const writer = await open(folder)
      const texts = Array.from({ length: 200 }, (_, i) => `message ${i}\n`.repeat(3))
      const session = writer.session('live')
      await session.append(texts.map((content) => ({ role: 'user', content })))
      const served = await serve(folder)
      const { page, faults } = await visit(browser, served)
      await page.goto(`${served.origin}/s/live`)
      await page.getByText('message 199').waitFor()
      const scroll = () => page.evaluate(() => document.querySelector('.transcript')?.scrollTop ?? -1)
      const atEnd = () =>
        page.evaluate(() => {
          const { scrollTop, scrollHeight, clientHeight } = document.querySelector('.transcript') as Element
          return scrollHeight - scrollTop - clientHeight < 60
        })

      await session.append({ role: 'assistant', content: 'an answer at the end' })
      await page.getByText('an answer at the end').waitFor()
      expect(await atEnd()).toBe(true)

      await page.evaluate(() => {
        ;(document.querySelector('.transcript') as Element).scrollTop -= 2_000
      })
      await page.waitForTimeout(400)
      const place = await scroll()
      for (let i = 0; i < 5; i++) await session.append({ role: 'user', content: `while reading ${i}` })
      const position = page.getByRole('slider', { name: 'Place in the log' })
      await until(async () => Number(await position.getAttribute('max')) === fs.statSync(session.path).size)
      expect(Math.abs((await scroll()) - place)).toBeLessThan(2)

      await session.remove((await session.tail(1))[0]!.id as string)
      await session.rewrite()
      await page.getByText('The log was rewritten.').first().waitFor()
      await page.getByRole('button', { name: 'To the end of the log' }).click()
      await page.getByText('while reading 3').waitFor()
      const rows = await page.locator('.row.message p').allTextContents()
      const stored = (await session.tail(20)).map(({ content }) => `${content}`.trim())
      expect(rows.slice(-20)).toEqual(stored)

      const other = await open(tempFolder())
      const copy = await other.session('live').append({ role: 'user', content: 'merged from another machine' })
      expect(copy).toBeDefined()
      await session.merge(other.session('live').path)
      await page.getByText('merged from another machine').waitFor()

      await session.delete()
      await page.getByText('there is no session').first().waitFor()
      // the browser says of each answer that is an error that it is one
      expect(faults.filter((fault) => !fault.includes('404'))).toEqual([])
    })

    test('a turn that runs, and whose process is killed, shows as stuck with its owner', async () => {
      const folder = tempFolder()
      const script = path.join(folder, 'turn.mjs')
      const library = new URL('../../dist/lib/index.js', import.meta.url).href
      fs.writeFileSync(
        script,
        `import { openStore } from '${library}'
         const store = await openStore(process.argv[2])
         await store.session('worker').setState('running', 'turn-9')
         process.send('running')
         setInterval(() => {}, 1000)`,
      )
      const root = path.join(folder, 'sessions')
      fs.mkdirSync(root, { mode: 0o700 })
      const served = await serve(root)
      const { page, faults } = await visit(browser, served)
      await page.getByText('Nothing runs').waitFor()
      const child = start(script, [root])
      await messageOf(child)
      const turn = page.locator('.lines li', { hasText: 'worker' })
      await turn.getByText('▶ running').waitFor()
      expect(await turn.textContent()).toContain(`:${child.pid}`)
      child.kill('SIGKILL')
      await turn.getByText('its process is dead').waitFor()
      expect(await turn.textContent()).toContain('jsonl-sessions recover')
      expect(faults).toEqual([])
    })
  })

  describe('sizes', () => {
    test('10,000 sessions: few rows in the page, and each can be reached', async () => {
      const folder = tempFolder()
      for (let i = 0; i < 10_000; i++) {
        const at = new Date(Date.UTC(2026, 0, 1) + i * 1_000).toISOString()
        fs.writeFileSync(path.join(folder, `s${i}.jsonl`), `{"role":"user","content":"text ${i}","at":"${at}"}\n`, {
          mode: 0o600,
        })
      }
      const served = await serve(folder)
      const { page } = await visit(browser, served)
      await page.goto(`${served.origin}/sessions`)
      await page.getByRole('link', { name: 's9999', exact: true }).waitFor()
      await page.evaluate(() => {
        const rows = document.querySelector('.rows') as Element
        rows.scrollTop = rows.scrollHeight
      })
      await page.getByRole('link', { name: 's0', exact: true }).waitFor()
      expect(await page.locator('.rows li').count()).toBeLessThanOrEqual(100)
    })

    test('100,000 messages and a line of 20 MB: both ends, the middle, and what is found', async () => {
      const folder = tempFolder()
      const fd = fs.openSync(path.join(folder, 'long.jsonl'), 'w', 0o600)
      for (let block = 0; block < 100; block++) {
        const lines = Array.from({ length: 1_000 }, (_, i) => `{"role":"user","content":"m${block * 1_000 + i}"}\n`)
        fs.writeSync(fd, lines.join(''))
      }
      fs.writeSync(fd, `${JSON.stringify({ role: 'assistant', content: `huge ${'word '.repeat(4_000_000)}` })}\n`)
      fs.writeSync(fd, '{"role":"user","content":"the last one"}\n')
      fs.closeSync(fd)
      const served = await serve(folder)
      const { page, faults } = await visit(browser, served)
      await page.goto(`${served.origin}/s/long`)
      await page.getByText('the last one', { exact: true }).waitFor()
      await page.getByText('Long texts of this line (20 MB) are cut.').waitFor()
      await page.getByRole('button', { name: 'To the start of the log' }).click()
      await page.getByText('m0', { exact: true }).waitFor()
      await page.getByLabel('Find in this session').fill('m77777')
      await page.locator('.hits li').first().waitFor()
      await page.getByRole('button', { name: 'Next hit' }).click()
      await page.locator('.row.current').getByText('m77777', { exact: true }).waitFor()
      expect(await page.locator('.row').count()).toBeLessThan(400)
      expect(faults).toEqual([])
    })
  })

  test('a session of clicks changes no byte of the folder', async () => {
    const store = await everything()
    await store.close()
    const hashes = () =>
      fs
        .readdirSync(store.dir, { recursive: true, encoding: 'utf8' })
        .sort()
        .map((file) => {
          const place = path.join(store.dir, file)
          const { mode, mtimeMs, size } = fs.statSync(place)
          const bytes = fs.statSync(place).isFile() ? fs.readFileSync(place) : ''
          return [file, mode, mtimeMs, size, createHash('sha256').update(bytes).digest('hex')].join(' ')
        })
    const before = hashes()
    const served = await serve(store.dir)
    const { page } = await visit(browser, served)
    for (const view of VIEWS) {
      await page.goto(served.origin + view)
      await settled(page)
      await page.evaluate(() => {
        for (const button of document.querySelectorAll<HTMLElement>('main button, main summary')) button.click()
      })
      await settled(page)
    }
    served.child.kill('SIGTERM')
    await until(() => served.child.exitCode !== null)
    expect(hashes()).toEqual(before)
  })

  test.skipIf(!CAN_MOUNT)('on a read-only file system every view has its answers', async () => {
    const store = await everything()
    await store.close()
    const served = await serve(store.dir, { isReadOnly: true })
    const { page, faults } = await visit(browser, served)
    for (const view of VIEWS) {
      await page.goto(served.origin + view)
      await settled(page)
      expect([view, await page.getByRole('alert').allTextContents()]).toEqual([view, []])
    }
    expect(faults).toEqual([])
  })

  test('what a page says is what it said: the accessibility tree of every view', async () => {
    const served = await shown(await everything())
    const { page } = await visit(browser, served)
    const trees: string[] = []
    // what the logs say of usage is read in the background, for all views
    await page.goto(`${served.origin}/usage`)
    await restingTree(page, served)
    for (const view of VIEWS) {
      await page.goto(served.origin + view)
      await settled(page)
      trees.push(`# ${view}\n${await restingTree(page, served)}\n`)
    }
    await expect(trees.join('\n')).toMatchFileSnapshot('../../fixtures/viewer/accessibility-trees.yml')
  })

  test('with --allow-write, and after a question, sessions are renamed, messages restored, sessions moved to the trash', async () => {
    const store = await everything()
    await store.close()
    const served = await serve(store.dir, { options: ['--allow-write'] })
    const { page, faults, replies } = await visit(browser, served)
    await page.goto(`${served.origin}/s/telegram_ann?removed=1`)
    await page.getByText('Change', { exact: true }).click()
    replies.push('Ann of today', '')
    await page.getByRole('button', { name: 'Rename' }).click()
    await page.getByRole('heading', { name: 'Ann of today' }).waitFor()
    replies.push('')
    await page.getByRole('button', { name: 'restore', exact: true }).click()
    await page.locator('.row:not(.removed)', { hasText: 'taken back' }).waitFor()
    replies.push('')
    await page.getByRole('button', { name: 'Move to the trash' }).click()
    await page.getByRole('heading', { name: 'Sessions', exact: true }).waitFor()
    const again = await open(store.dir)
    expect((await again.trash()).map(({ key }) => key)).toEqual(['telegram_ann'])
    expect(replies).toEqual([])
    expect(faults.filter((fault) => !fault.includes('404'))).toEqual([])
  })

  test('an export is read from a file without script, and says what the page says', async () => {
    const store = await everything()
    const folder = tempFolder()
    const file = path.join(folder, 'ann.html')
    const { exportSession } = await import('../../src/formats/index.js')
    const parts: Uint8Array[] = []
    for await (const part of exportSession(store.session('telegram_ann'), 'html')) parts.push(part)
    fs.writeFileSync(file, Buffer.concat(parts))
    const served = await shown(store)
    const { page } = await visit(browser, served)
    await page.goto(`${served.origin}/s/telegram_ann?at=0`)
    await page.locator('.row.assistant').first().waitFor()
    const ofPage = await page.locator('.row.user p, .row.assistant > :not(header):not(details)').allTextContents()

    const context = await browser.newContext({ javaScriptEnabled: false, offline: true })
    try {
      const exported = await context.newPage()
      const asked: string[] = []
      exported.on('request', (request) => asked.push(request.url()))
      await exported.goto(`file://${file}`)
      const ofFile = await exported
        .locator('article.user p, article.assistant > :not(h2):not(details)')
        .allTextContents()
      expect(ofFile).toEqual(ofPage)
      expect(ofFile.join()).toContain('What is on today?')
      expect(asked).toEqual([`file://${file}`])
    } finally {
      await context.close()
    }
  })
})
