import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes longest, for its work or for its waiting. */
const SLOW = new RegExp(
  `(${[
    'short|conformance|lease|watch|git|list-cache|recover|processes|cli/check|search-index|viewer/pages',
    'bad-names|full-disk|samples|formats/command|hostile|newcomer|program|persistence|endpoint|bots|readme|soak/appends',
  ].join('|')})\\.test\\.ts$`,
)

/** Starts the slow files first, so that none of them runs alone at the end. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.test(moduleId)
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))]
  }
}

export default defineConfig({
  test: {
    dir: 'test',
    globalSetup: 'test/global-setup.ts',
    sequence: { sequencer: SlowFirst },
    // processes, not threads: tests set the umask and send signals
    pool: 'forks',
    // starting a process and importing the sources takes half a second of CPU a file
    isolate: false,
    // one more than the cores that a run must do with, since some tests wait
    maxWorkers: 3,
    // other processes take their time on a busy machine
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
