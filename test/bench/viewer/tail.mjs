/** Another process appends while the page is open: how soon it shows, what it costs the bot and the browser. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openPage, serve } from './server.mjs'

const WRITER = fileURLToPath(new URL('writer.mjs', import.meta.url))

export async function tailRows(browser, folder, lines, report) {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  const writer = fork(WRITER, [folder])
  await once(writer, 'message')
  const append = async (count, everyMs = 0) => {
    writer.send({ count, everyMs })
    return (await once(writer, 'message'))[0]
  }
  await append(10)
  const server = await serve(folder)
  try {
    const page = await openPage(browser, server)
    // in turns, so that what else the machine does weighs on both
    const [alone, quiet, live] = [[], [], []]
    for (let i = 0; i < 8; i++) {
      await page.goto('about:blank')
      alone.push((await append(300, 4)).p99)
      await page.goto(`${server.origin}/sessions`)
      await page.waitForSelector('.rows li:not(.blank)')
      quiet.push((await append(300, 4)).p99)
      await page.goto(`${server.origin}/s/tail`)
      await page.waitForSelector('.row')
      live.push((await append(300, 4)).p99)
    }
    const median = (values) => values.sort((a, b) => a - b)[values.length >> 1]
    const slower = (values) => (median(values) / median(alone) - 1) * 100
    report('append p99 of a bot beside an open list, against alone', slower(quiet), '%', 10)
    report('append p99 of a bot beside a page that draws each line, against alone', slower(live), '%', 10)

    const shown = []
    for (let i = 0; i < 21; i++) {
      await new Promise((resolve) => setTimeout(resolve, 60))
      const seen = page.evaluate(
        () =>
          new Promise((resolve) => {
            const rows = document.querySelector('.transcript')
            const former = rows.lastElementChild
            const look = () => (rows.lastElementChild === former ? requestAnimationFrame(look) : resolve(Date.now()))
            look()
          }),
      )
      await new Promise((resolve) => setTimeout(resolve, 250))
      const { at } = await append(1)
      shown.push((await seen) - at)
    }
    shown.sort((a, b) => a - b)
    report('append in another process to row on screen, median', shown[10], 'ms', 300)
    report('append in another process to row on screen, worst of 21', shown.at(-1), 'ms', 300)

    const heap = () =>
      page.evaluate(() => {
        gc()
        return performance.memory.usedJSHeapSize / 1024 ** 2
      })
    const half = Math.floor(lines / 2)
    await append(half, 2)
    const [first, nodes] = [await heap(), await page.evaluate(() => document.querySelectorAll('*').length)]
    await append(lines - half, 2)
    const [second, later] = [await heap(), await page.evaluate(() => document.querySelectorAll('*').length)]
    report(`browser's heap after a live tail of ${lines} lines`, second, 'MB', 100)
    report('growth of the heap in the second half of it', second - first, 'MB', 2)
    report('elements in the page, halfway and at the end', Math.max(nodes, later), '', 10_000)
    await page.context().close()
  } finally {
    await server.close()
    writer.disconnect()
  }
}
