import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    dir: 'test',
    globalSetup: 'test/global-setup.ts',
    // processes, not threads: tests set the umask and send signals
    pool: 'forks',
    // starting a process and importing the sources takes half a second of CPU a file
    isolate: false,
    // one more than the cores that we count on, since some tests wait
    maxWorkers: 3,
    // other processes take their time on a busy machine
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
