/** Bundles the internal modules that programs of the tests load as other processes, to dist/internals. */
import { build } from 'rolldown'

await build({
  input: {
    leases: 'src/disk/lock/leases.ts',
    'sidecar-file': 'src/disk/sidecar/sidecar-file.ts',
  },
  platform: 'node',
  external: (id) => !/^[./]|\.ts$/.test(id),
  output: { dir: 'dist/internals' },
})
