/** How much memory this process has and had. */
import fs from 'node:fs'

export const MB = 1024 * 1024

/** Begins a new peak. Only Linux can; elsewhere a peak is that of the whole life of the process, and never too low. */
export function resetPeak() {
  globalThis.gc?.()
  try {
    fs.writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // no such file here
  }
  return process.memoryUsage.rss()
}

/** The most memory since `resetPeak`, bytes of the whole process. */
export function peak() {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
  } catch {
    return process.resourceUsage().maxRSS * 1024
  }
}
