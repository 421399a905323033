/** A log of 1 GB: opened, jumped in, searched, scrolled. */
import { openPage, scrollFrames, serve } from './server.mjs'

export async function logRows(browser, { folder, key, rare, size }, report) {
  const server = await serve(folder)
  try {
    const page = await openPage(browser, server)
    const since = () => page.evaluate(() => performance.now())
    await page.goto(`${server.origin}/s/${key}`)
    await page.getByText('tail 99', { exact: true }).waitFor()
    report('1 GB log opened at its end', await since(), 'ms', 500)

    // the other figures beside the first reading of the whole log
    const jump = await page.evaluate(
      async (middle) => {
        const began = performance.now()
        const range = document.querySelector('.position input')
        range.value = `${middle}`
        range.dispatchEvent(new Event('change'))
        const last = () => document.querySelector('.row:last-of-type')?.dataset.offset
        const former = last()
        while (last() === former) await new Promise(requestAnimationFrame)
        return performance.now() - began
      },
      Math.floor(size / 2),
    )
    report('jump to its middle, while it is read for the first time', jump, 'ms', 300)
    const calm = await page.context().newPage()
    const empty = await calm.evaluate(async () => {
      let [worst, last] = [0, await new Promise(requestAnimationFrame)]
      for (let i = 0; i < 400; i++) {
        const now = await new Promise(requestAnimationFrame)
        worst = Math.max(worst, now - last)
        last = now
      }
      return worst
    })
    report('worst frame of an empty page meanwhile', empty, 'ms')
    await calm.close()
    const frames = await scrollFrames(page, '.transcript', { step: 120, frames: 400, blank: '.no-such' })
    report('transcript scroll, median frame', frames.median, 'ms', 17)
    report('transcript scroll, worst frame', frames.worst, 'ms', 50)

    await page.getByText('The log is still being read').waitFor({ state: 'detached' })
    const found = await page.evaluate(async (text) => {
      const field = document.querySelector('#find')
      field.value = text
      field.dispatchEvent(new Event('input', { bubbles: true }))
      const began = performance.now()
      while (document.querySelector('.hits li') === null) await new Promise(requestAnimationFrame)
      return performance.now() - began
    }, rare)
    report('a rare word at its end found', found, 'ms', 6_000)
    report("server's memory in all after this", server.memory(), 'MB')
    await page.context().close()
  } finally {
    await server.close()
  }
}
