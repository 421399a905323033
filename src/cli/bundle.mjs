/**
 * Puts the command together: Node takes half a millisecond for each file that it loads, and `list` would need a hundred.
 * Other packages stay outside. The parts lie one folder below main.js, as the sources of the commands do.
 */
import { readFileSync } from 'node:fs'
import { build } from 'rolldown'

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))

await build({
  input: 'src/cli/main.ts',
  platform: 'node',
  external: Object.keys(dependencies),
  output: {
    dir: 'dist/src/cli',
    chunkFileNames: 'parts/[name].js',
    codeSplitting: { groups: [{ name: 'library', test: /src[\\/](?!cli[\\/]|viewer[\\/])/ }] },
  },
})
