/**
 * Puts the package together from the sources: the modules that `exports` of package.json names, what they
 * share, and the command. Node takes half a millisecond for each file that it loads, and the sources are two
 * hundred and fifty of them. Other packages stay outside, but for commander: its six files are one with the command.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { build } from 'rolldown'
import { inputOf, isOutside, OUT } from './modules.mjs'

const within = (folder, names) => new RegExp(`/src/${folder}(${names})(/|\\.ts$)`)
const isIn = (pattern) => (id) => pattern.test(id.replaceAll('\\', '/'))
/** With what the bundler itself puts beside commander. */
const isOfCommand = isIn(/\/(src\/cli|node_modules\/commander)\/|^\0rolldown/)

/** The store itself is one file. What only some of the modules or commands need stays apart from it. */
const groups = [
  {
    name: 'store',
    test: isIn(within('', 'base|log|disk|session|graph|list|search|runs|retention|check|sync|store')),
  },
  { name: 'formats', test: isIn(within('', 'formats')) },
  { name: 'adapters/shared', test: isIn(within('adapters/', 'shared|lines')) },
  { name: 'command', test: isIn(within('cli/', 'terminal|usage|with-store|find-key|exit-code|user-files|signals')) },
]

await build({
  input: { ...inputOf((source) => `${source}.ts`), 'cli/main': 'src/cli/main.ts' },
  platform: 'node',
  external: isOutside,
  output: {
    dir: OUT,
    comments: false,
    chunkFileNames: ({ moduleIds }) => `${moduleIds.every(isOfCommand) ? 'cli/' : ''}[name].js`,
    codeSplitting: { groups },
  },
})
// what is bundled asks to be named
const license = readFileSync('node_modules/commander/LICENSE', 'utf8')
writeFileSync(`${OUT}/cli/NOTICE.txt`, `command-line.js contains commander.\n\n${license}`)
