/** Puts the types of the package together from those that tsc made of each source, for programs that install it. */
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import { inputOf, isOutside, OUT } from './modules.mjs'

const types = await rollup({
  input: inputOf((source) => `dist/${source}.d.ts`),
  external: isOutside,
  plugins: [dts()],
  // types that several modules share and none exports are part of what they describe
  onwarn: ({ message }) => {
    if (!message.includes('private shared type exports')) throw new Error(message)
  },
})
const chunkFileNames = ({ name }) => `${name.replace('.d', '')}-types.d.ts`
await types.write({ dir: OUT, entryFileNames: '[name].d.ts', chunkFileNames })
