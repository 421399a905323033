/** The files of the page, which the build puts beside the module that this one becomes part of. */
import { fileURLToPath } from 'node:url'
import { readSmall } from '../disk/files.js'
import { ViewerError } from './api/answers.js'

const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'app.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
}

/** Addresses of the page: each shows what its script finds in the address. */
const PAGES = /^\/(sessions|health|usage|search|help)?$|^\/s\/[^/]+(\/raw)?$/

export class PageFiles {
  readonly #folder: URL
  readonly #base: string
  readonly #files = new Map<string, Uint8Array>()

  constructor(folder: URL, base: string) {
    this.#folder = folder
    this.#base = base
  }

  /** Undefined for an address that is none of the page's. @throws ViewerError when the page was not built */
  get(path: string): Response | undefined {
    const asset = /^\/assets\/([a-z]+\.[a-z]+)$/.exec(path)?.[1]
    const name =
      asset !== undefined && Object.hasOwn(TYPES, asset) ? asset : PAGES.test(path) ? 'index.html' : undefined
    if (name === undefined || asset === 'index.html') return undefined
    return new Response(this.#read(name) as ConstructorParameters<typeof Response>[0], {
      headers: { 'content-type': TYPES[name] as string, 'cache-control': 'no-cache' },
    })
  }

  #read(name: string): Uint8Array {
    const known = this.#files.get(name)
    if (known !== undefined) return known
    const file = readSmall(fileURLToPath(new URL(name, this.#folder)))
    if (file === undefined) throw new ViewerError(500, 'ERR_VIEWER_FAILED', 'the page was not built: npm run build')
    const bytes =
      name === 'index.html' ? Buffer.from(file.bytes.toString().replaceAll('{{base}}', this.#base)) : file.bytes
    this.#files.set(name, bytes)
    return bytes
  }
}
