/** A `serve` in a process of its own, and pages that have logged in to it. */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../../dist/lib/cli/main.js', import.meta.url))

export async function serve(root) {
  const began = performance.now()
  const child = spawn(process.execPath, [MAIN, 'serve', '--root', root], { stdio: ['ignore', 'pipe', 'inherit'] })
  const address = await new Promise((resolve, reject) => {
    child.stdout.once('data', (text) => resolve(String(text).trim()))
    child.once('exit', (code) => reject(new Error(`serve ended with ${code}`)))
  })
  const { origin } = new URL(address)
  return {
    address,
    origin,
    began,
    /** Resident memory in MB, of what is not shared with files. */
    memory: () => Number(/RssAnon:\s+(\d+)/.exec(fs.readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024,
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** A page whose context has the cookie; its frames are counted from `startFrames` to `endFrames`. */
export async function openPage(browser, server, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(120_000)
  await page.goto(server.address)
  await page.waitForSelector('h1')
  return page
}

/** Scrolls an element by wheel-like steps, frame by frame; the times between frames, and how long rows were blank. */
export function scrollFrames(page, selector, { step, frames, blank }) {
  return page.evaluate(
    async ([selector, step, frames, blank]) => {
      const element = document.querySelector(selector)
      const times = []
      let longestBlank = 0
      let blankSince
      let last = await new Promise(requestAnimationFrame)
      for (let i = 0; i < frames; i++) {
        element.scrollTop += step
        const now = await new Promise(requestAnimationFrame)
        times.push(now - last)
        last = now
        if (document.querySelector(blank) === null) blankSince = undefined
        else {
          blankSince ??= now
          longestBlank = Math.max(longestBlank, now - blankSince)
        }
      }
      times.sort((a, b) => a - b)
      return { median: times[times.length >> 1], worst: times.at(-1), blank: longestBlank }
    },
    [selector, step, frames, blank],
  )
}
