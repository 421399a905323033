/** The suite of the contract `RuntimePersistence`. */
import assert from 'node:assert/strict'
import type { RuntimePersistence } from '../../src/contracts/runtime-persistence/index.js'
import { type Framework, registerCases } from './framework.js'
import { blobCases } from './runtime-persistence/blobs.js'
import { checkpointCases } from './runtime-persistence/checkpoints.js'
import { commitCases } from './runtime-persistence/commits.js'
import { crashCases } from './runtime-persistence/crash.js'
import { damageCases } from './runtime-persistence/damage.js'
import { errorCases } from './runtime-persistence/errors.js'
import { faultCases } from './runtime-persistence/faults.js'
import { gcCases } from './runtime-persistence/gc.js'
import { graphCases } from './runtime-persistence/graph.js'
import { helperCases } from './runtime-persistence/helpers.js'
import { instanceCases } from './runtime-persistence/instances.js'
import { ledgerCases } from './runtime-persistence/ledger.js'
import { metaCases } from './runtime-persistence/meta.js'
import { otherContractCases } from './runtime-persistence/other-contracts.js'
import { KEY, type OpenedRuntime, type RuntimeOptions, type RuntimeScene } from './runtime-persistence/scene.js'
import { tombstoneCases } from './runtime-persistence/tombstones.js'
import { upstreamCases } from './runtime-persistence/upstream.js'
import { withScene } from './scene.js'

export type { OpenedRuntime } from './runtime-persistence/scene.js'

export interface RuntimePersistenceSuite extends Framework {
  /** Opens the implementation on a folder that exists, bound to the session `key`. `now` is its only source of time. */
  open(dir: string, key: string, options: RuntimeOptions & { now(): number }): Promise<OpenedRuntime>
  /** Cases that the implementation does not fulfil, by name, each with the reason. */
  skip?: Readonly<Record<string, string>>
}

const cases = [
  ...commitCases,
  ...graphCases,
  ...checkpointCases,
  ...blobCases,
  ...ledgerCases,
  ...metaCases,
  ...tombstoneCases,
  ...gcCases,
  ...damageCases,
  ...crashCases,
  ...instanceCases,
  ...otherContractCases,
  ...helperCases,
  ...errorCases,
  ...faultCases,
  ...upstreamCases,
]

/** Runs every case of the contract against the implementation that `open` gives, in every weather. */
export function testRuntimePersistence({ describe, test, open, skip = {} }: RuntimePersistenceSuite): void {
  registerCases<RuntimeScene>(
    { describe, test },
    {
      title: 'RuntimePersistence',
      cases,
      skip,
      play(weather, run) {
        const opened = new WeakMap<RuntimePersistence, OpenedRuntime>()
        return withScene<RuntimePersistence, RuntimeOptions>(
          {
            weather,
            async open(dir, options) {
              const whole = await open(dir, KEY, options)
              opened.set(whole.runtime, whole)
              return { subject: whole.runtime, close: () => whole.close() }
            },
            async rewrite(runtime) {
              // a log of a newer version cannot be rewritten, and must not be
              await opened
                .get(runtime)!
                .rewrite()
                .catch((error: { code?: unknown }) => {
                  if (error.code !== 'ERR_VERSION_UNSUPPORTED') throw error
                })
            },
          },
          (scene) =>
            run({
              ...scene,
              runtime: scene.subject,
              async backend() {
                const { backend } = opened.get(await scene.another())!
                assert(backend, 'this case needs a SessionBackend over the same store')
                return backend
              },
            }),
        )
      },
    },
  )
}
