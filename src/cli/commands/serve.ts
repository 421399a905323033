import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openStore, type SessionStore } from '../../index.js'
import { createViewer, nodeListener, type Viewer } from '../../viewer/index.js'
import { exitCodeOf, onInterrupt, type StopSignal } from '../signals.js'
import { escapeLine } from '../terminal/escape.js'
import { complain, describe, note, print } from '../terminal/output.js'
import { checkFolderThere } from '../user-files.js'
import { type GlobalOptions, mayBeNetwork } from '../with-store.js'

export interface ServeOptions extends GlobalOptions {
  port: number
  host: string
  iKnow?: boolean
  open?: boolean
  allowWrite?: boolean
}

/** Serves until it is interrupted. SIGTERM is a good end. */
export async function serve(options: ServeOptions): Promise<number> {
  const { root, host, allowWrite = false } = options
  await checkFolderThere(root)
  const onError = (error: unknown, key: string) => complain(`${escapeLine(key)}: ${describe(error)}`)
  const store = allowWrite
    ? await openStore(root, { onError, network: mayBeNetwork() })
    : await openStore(root, { onError, readOnly: true })
  try {
    const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 })
    const stopped = new Promise<StopSignal>((resolve) => onInterrupt(resolve))
    server.listen(options.port, host)
    await once(server, 'listening')
    const viewer = viewerOn(server, store, options)
    server.on('request', nodeListener(viewer))
    if (options.iKnow) note('other machines may reach this page: everyone with its address reads every session')
    const address = addressOf(server, viewer, host)
    await print(address)
    note(`serving ${escapeLine(store.dir)}${allowWrite ? ', with changes allowed' : ', read-only'}; Ctrl-C ends it`)
    if (options.open) openInBrowser(address)
    const signal = await stopped
    await viewer.close()
    server.close()
    server.closeAllConnections()
    return signal === 'SIGINT' ? exitCodeOf(signal) : 0
  } finally {
    await store.close()
  }
}

function viewerOn(server: Server, store: SessionStore, { host, allowWrite = false }: ServeOptions): Viewer {
  const { port } = server.address() as AddressInfo
  const names = ['127.0.0.1', 'localhost', '[::1]', ...(host.includes(':') ? [`[${host}]`] : [host])]
  return createViewer(store, { hosts: names.map((name) => `${name}:${port}`), allowWrite })
}

function addressOf(server: Server, { token, writeToken }: Viewer, host: string): string {
  const { port } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}/#t=${token}${writeToken === undefined ? '' : `&w=${writeToken}`}`
}

/** The address is in the arguments of that process for a moment; without --open it is only printed. */
function openInBrowser(address: string): void {
  const [program, ...args] =
    process.platform === 'darwin' ? ['open'] : process.platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open']
  const child = spawn(program as string, [...args, address], { stdio: 'ignore', detached: true })
  child.on('error', (error) => note(`no browser was opened: ${describe(error)}`))
  child.unref()
}
