/** Puts the page of the viewer together: one script, one style sheet, one document, none of which asks for another place. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { build } from 'rolldown'

const from = 'src/viewer/page'
const to = 'dist/lib/page'

mkdirSync(to, { recursive: true })
await build({
  input: `${from}/main.tsx`,
  platform: 'browser',
  transform: { target: 'es2022' },
  output: {
    file: `${to}/app.js`,
    format: 'esm',
    minify: true,
    comments: false,
    sourcemap: false,
  },
})
writeFileSync(`${to}/app.css`, readFileSync(`${from}/app.css`, 'utf8').replace(/\s*\n\s*/g, ' '))
for (const file of ['index.html', 'icon.svg']) cpSync(`${from}/${file}`, `${to}/${file}`)
// what is bundled asks to be named
writeFileSync(`${to}/NOTICE.txt`, `app.js contains preact.\n\n${readFileSync('node_modules/preact/LICENSE', 'utf8')}`)
