/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/// <reference lib="dom.asynciterable" />
/** A real browser on a real `serve`, for the tests of the page. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

const MAIN = fileURLToPath(new URL('../../dist/lib/cli/main.js', import.meta.url))
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where Chromium is; without one the tests of the page are skipped. */
export const CHROMIUM = [process.env.CHROMIUM ?? '', ...PLACES].find((place) => place !== '' && fs.existsSync(place))

export async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM as string, args: ['--no-sandbox'] })
}

export interface Served {
  /** With the token. */
  address: string
  origin: string
  root: string
  child: ChildProcess
}

/** Mounts a folder over itself, read-only and for the command behind it alone. */
const READ_ONLY = ['--mount', 'sh', '-c', 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"']

/** False without the rights to mount: then the test of a read-only file system is skipped. */
export const CAN_MOUNT = spawnSync('unshare', [...READ_ONLY, os.tmpdir(), 'true']).status === 0

/** Starts the command, which ends with the test. */
export async function serve(
  root: string,
  { options = [], isReadOnly = false }: { options?: string[]; isReadOnly?: boolean } = {},
): Promise<Served> {
  const command = [process.execPath, MAIN, 'serve', '--root', root, ...options]
  const [program = '', ...given] = isReadOnly ? ['unshare', ...READ_ONLY, root, ...command] : command
  const child = spawn(program, given, { stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(async () => {
    if (child.exitCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  })
  const [text] = await once(child.stdout, 'data', { signal: AbortSignal.timeout(20_000) })
  const address = String(text).trim()
  return { address, origin: new URL(address).origin, root, child }
}

/** What a page did that no page may do. */
export interface Watched {
  page: Page
  context: BrowserContext
  /** Dialogs, requests to other places, reports of the content policy, errors of scripts. */
  faults: string[]
  /** What the next dialogs are answered with; each other one is a fault, and dismissed. */
  replies: string[]
}

/** A page that has logged in. */
export async function visit(
  browser: Browser,
  served: Served,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options })
  onTestFinished(() => context.close())
  const faults: string[] = []
  const replies: string[] = []
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`policy: ${violatedDirective} ${blockedURI}`),
    )
  })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  page.on('dialog', (dialog) => {
    const reply = replies.shift()
    if (reply !== undefined) return void dialog.accept(reply)
    faults.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(`${served.origin}/`) && !request.url().startsWith('data:image/')) {
      faults.push(`request: ${request.url()}`)
    }
  })
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  await page.goto(served.address)
  await page.waitForSelector('h1')
  return { page, context, faults, replies }
}

/** The source of a package's file, to be run in a page. */
export function packaged(file: string): string {
  return fs.readFileSync(path.join(fileURLToPath(new URL('../../node_modules', import.meta.url)), file), 'utf8')
}
