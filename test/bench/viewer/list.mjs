/** 10,000 sessions: the start, the list, its scrolling. */
import { execFileSync } from 'node:child_process'
import { openPage, scrollFrames, serve } from './server.mjs'

export async function listRows(browser, folder, report) {
  const bare = Array.from({ length: 5 }, () => {
    const began = performance.now()
    execFileSync(process.execPath, ['-e', ''])
    return performance.now() - began
  }).sort((a, b) => a - b)[2]
  const starts = []
  for (let i = 0; i < 5; i++) {
    const server = await serve(folder)
    await (await fetch(`${server.origin}/`)).text()
    starts.push(performance.now() - server.began - bare)
    await server.close()
  }
  report('start to first answer of /, 10,000 sessions, over a bare node', starts.sort((a, b) => a - b)[2], 'ms', 300)

  const server = await serve(folder)
  try {
    const page = await openPage(browser, server)
    await page.goto(`${server.origin}/sessions`)
    await page.waitForSelector('.rows li:not(.blank)')
    const paints = await page.evaluate(async () => {
      const [paint] = performance.getEntriesByName('first-contentful-paint')
      return { first: paint.startTime, rows: document.querySelectorAll('.rows li').length }
    })
    const usable = await page.evaluate(() => performance.now())
    report('first paint of the list', paints.first, 'ms', 500)
    report('list usable', usable, 'ms', 1_000)
    report('rows in the page', paints.rows, '', 100)
    const frames = await scrollFrames(page, '.rows', { step: 300, frames: 300, blank: '.rows li.blank' })
    report('list scroll, median frame', frames.median, 'ms', 17)
    report('list scroll, worst frame', frames.worst, 'ms', 50)
    report('list scroll, longest blank', frames.blank, 'ms', 100)
    const memory = server.memory()
    const store = `
      const { openStore } = await import(${JSON.stringify(new URL('../../../dist/lib/index.js', import.meta.url).href)})
      const store = await openStore(${JSON.stringify(folder)}); await store.list(); await store.list()
      const text = (await import('node:fs')).readFileSync('/proc/self/status', 'utf8')
      console.log(/RssAnon:\\s+(\\d+)/.exec(text)[1] / 1024)`
    const own = Number(execFileSync(process.execPath, ['--input-type=module', '-e', store]).toString())
    report("server's memory above a process that lists the store twice", memory - own, 'MB', 60)
    await page.context().close()
  } finally {
    await server.close()
  }
}
