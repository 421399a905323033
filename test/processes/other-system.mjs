// Loaded before a script: the process takes itself for one on macOS, which has no /proc; its `ps` is the one of this machine.
import fs from 'node:fs'

for (const name of ['readFileSync', 'readlinkSync', 'statfsSync']) {
  const call = fs[name]
  fs[name] = (file, ...args) => {
    if (name === 'statfsSync' || String(file).startsWith('/proc/'))
      throw Object.assign(new Error('there is no /proc'), { code: 'ENOENT' })
    return call(file, ...args)
  }
}
Object.defineProperty(process, 'platform', { value: 'darwin' })
