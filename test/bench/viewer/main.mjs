/**
 * Measures the viewer in a real Chromium, against the goals of its contract: 10,000 sessions, a log of 1 GB, a live tail.
 *
 *   npm run build && node test/bench/viewer/main.mjs [--only REGEX]
 *
 * CHROMIUM names the browser (default /usr/bin/chromium), BENCH_DATA the folder for data, which takes 1.1 GB. Prints a
 * table; exit code 1 when a goal is missed. TAIL=72000 makes the live tail as long as an hour of 20 lines a second.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright-core'
import { largeLog, manySessions } from './data.mjs'
import { listRows } from './list.mjs'
import { logRows } from './log.mjs'
import { tailRows } from './tail.mjs'

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } })
const only = new RegExp(values.only)
const dir = fs.mkdtempSync(path.join(process.env.BENCH_DATA ?? os.tmpdir(), 'viewer-bench-'))
let missed = 0

/** Prints one row. `limit` is what the value must not exceed. */
function report(situation, value, unit, limit) {
  const isMet = limit === undefined || value <= limit
  if (!isMet) missed++
  const goal = limit === undefined ? '' : `${isMet ? 'met' : 'MISSED'}, goal ${limit} ${unit}`
  const shown = value < 10 ? value.toFixed(1) : Math.round(value)
  console.log(`${situation.padEnd(64)} ${`${shown} ${unit}`.padStart(12)}   ${goal}`)
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--js-flags=--expose-gc', '--enable-precise-memory-info'],
})
try {
  const groups = {
    page: () => {
      const folder = new URL('../../../dist/lib/page/', import.meta.url)
      const shipped = fs.readdirSync(folder).filter((file) => !file.endsWith('.txt'))
      const size = shipped.reduce((sum, file) => sum + gzipSync(fs.readFileSync(new URL(file, folder))).length, 0)
      report('the page, gzipped', size / 1024, 'KB', 150)
    },
    list: async () => listRows(browser, await manySessions(path.join(dir, 'many'), 10_000), report),
    log: async () => logRows(browser, await largeLog(path.join(dir, 'large'), 1024 ** 3), report),
    tail: () => tailRows(browser, path.join(dir, 'tail'), Number(process.env.TAIL ?? 6_000), report),
  }
  for (const [name, measure] of Object.entries(groups)) if (only.test(name)) await measure()
} finally {
  await browser.close()
  fs.rmSync(dir, { recursive: true, force: true })
}
process.exitCode = missed > 0 ? 1 : 0
