/** What the package is made of: its modules, and the packages that stay outside of them. */
import { readFileSync } from 'node:fs'

export const OUT = 'dist/lib'
const { dependencies, peerDependencies, exports } = JSON.parse(readFileSync('package.json', 'utf8'))
const outside = Object.keys({ ...dependencies, ...peerDependencies })
export const isOutside = (id) =>
  id.startsWith('node:') || outside.some((name) => id === name || id.startsWith(`${name}/`))

/** The modules of the package by the names of their files, each with what it is made from. */
const modules = Object.keys(exports)
  .filter((name) => name !== './package.json')
  .map((name) => (name === '.' ? 'index' : name.slice(2)))
  .map((name) => [name, sourceOf(name)])

function sourceOf(name) {
  if (name === 'index' || name.startsWith('adapters/')) return `src/${name}`
  if (name === 'conformance') return 'test/conformance/index'
  return `src/${{ viewer: 'viewer', 'import-export': 'formats' }[name] ?? `contracts/${name}`}/index`
}

/** The entries of a bundler, given where the sources are. */
export const inputOf = (fileOf) => Object.fromEntries(modules.map(([name, source]) => [name, fileOf(source)]))
