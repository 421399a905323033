// A host: a process with a name and process numbers of its own, which works with a store.
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../processes/remote-store.mjs', import.meta.url))
const LIMIT_MS = 120_000

export class Host {
  #waiting = new Map()
  #next = 0

  constructor(name, folder, options) {
    this.name = name
    const execArgv = ['--uts', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c']
    execArgv.push('hostname "$0" && exec "$@"', name, process.execPath)
    this.child = fork(SCRIPT, [folder, JSON.stringify({ network: true, ...options })], {
      execPath: 'unshare',
      execArgv,
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    })
    this.errors = ''
    this.child.stderr.on('data', (text) => {
      this.errors += text
    })
    this.child.on('message', ({ id, value, error }) => {
      const call = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) call?.resolve(value)
      else call?.reject(Object.assign(new Error(error.message), error))
    })
    this.ended = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve({ code, signal })))
    this.child.on('exit', () => {
      this.isOver = true
      for (const { reject } of this.#waiting.values())
        reject(Object.assign(new Error(`the host ended: ${this.errors}`), { code: 'KILLED' }))
      this.#waiting.clear()
    })
  }

  static async open(name, folder, options = {}) {
    const host = new Host(name, folder, options)
    await host.call('ready')
    return host
  }

  /** Calls a method of a session, or of the process. */
  call(method, ...args) {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      if (this.isOver || !this.child.connected) return reject(Object.assign(new Error('killed'), { code: 'KILLED' }))
      const timer = setTimeout(
        () => reject(new Error(`${method} on ${this.name} took too long: ${this.place()}`)),
        LIMIT_MS,
      )
      const ending = (act) => (value) => {
        clearTimeout(timer)
        act(value)
      }
      this.#waiting.set(id, { resolve: ending(resolve), reject: ending(reject) })
      this.child.send({ id, method, args })
    })
  }

  /** Where in the system the process waits, innermost call first: in the client of a drive, or for events. */
  place() {
    try {
      const pid = childOf(this.child.pid)
      const calls = readFileSync(`/proc/${pid}/stack`, 'utf8').matchAll(/\] (\w+)/g)
      return [...calls].map(([, name]) => name).join(' < ')
    } catch (error) {
      return error.message
    }
  }

  append(key, content) {
    return this.call('append', key, { role: 'user', content })
  }

  async contents(key) {
    return (await this.call('messages', key)).map(({ content }) => content)
  }

  /** Kills this one and starts another, on another folder. */
  async restart(folder) {
    this.signal('SIGKILL')
    await this.ended
    return Host.open(this.name, folder)
  }

  /** To the process with the store, which is the only child of the one that makes its namespaces. */
  signal(name) {
    if (name === 'SIGKILL') this.child.kill(name)
    else process.kill(childOf(this.child.pid), name)
  }

  async close() {
    if (!this.child.connected) return
    await this.call('close').catch(() => {})
    this.child.disconnect()
    await this.ended
  }
}

function childOf(pid) {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
}
