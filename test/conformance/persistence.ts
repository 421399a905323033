/** The suite of the contract `Persistence`. */
import assert from 'node:assert/strict'
import type { Persistence } from '../../src/contracts/persistence/index.js'
import { type Framework, registerCases } from './framework.js'
import { compactCases } from './persistence/compact.js'
import { contextCases } from './persistence/context.js'
import { cutCases } from './persistence/cut.js'
import { damageCases } from './persistence/damage.js'
import { errorCases } from './persistence/errors.js'
import { faultCases } from './persistence/faults.js'
import { foreignCases } from './persistence/foreign.js'
import { formatCases } from './persistence/format.js'
import { messageCases } from './persistence/messages.js'
import { metadataCases } from './persistence/metadata.js'
import { missingCases } from './persistence/missing.js'
import { pendingCases } from './persistence/pending.js'
import { purgeCases } from './persistence/purge.js'
import { recentCases } from './persistence/recent.js'
import { restartCases } from './persistence/restart.js'
import { type OpenedPersistence, type PersistenceScene, rewriteAll } from './persistence/scene.js'
import { sessionCases } from './persistence/sessions.js'
import { throughCases } from './persistence/through.js'
import { upstreamCases } from './persistence/upstream.js'
import { usageCases } from './persistence/usage.js'
import { withScene } from './scene.js'

export type { OpenedPersistence } from './persistence/scene.js'

export interface PersistenceSuite extends Framework {
  /** Opens the implementation on a folder that exists. `now` is its only source of time. */
  open(dir: string, options: { now(): number }): Promise<OpenedPersistence>
  /** Cases that the implementation does not fulfil, by name, each with the reason. */
  skip?: Readonly<Record<string, string>>
}

const cases = [
  ...sessionCases,
  ...missingCases,
  ...messageCases,
  ...contextCases,
  ...pendingCases,
  ...recentCases,
  ...usageCases,
  ...compactCases,
  ...cutCases,
  ...throughCases,
  ...purgeCases,
  ...metadataCases,
  ...foreignCases,
  ...damageCases,
  ...formatCases,
  ...restartCases,
  ...errorCases,
  ...faultCases,
  ...upstreamCases,
]

/** Runs every case of the contract against the implementation that `open` gives, in every weather. */
export function testPersistence({ describe, test, open, skip = {} }: PersistenceSuite): void {
  registerCases<PersistenceScene>(
    { describe, test },
    {
      title: 'Persistence',
      cases,
      skip,
      play(weather, run) {
        const opened = new WeakMap<Persistence, { dir: string; whole: OpenedPersistence }>()
        return withScene<Persistence, object>(
          {
            weather,
            async open(dir, options) {
              const whole = await open(dir, options)
              opened.set(whole.persistence, { dir, whole })
              return { subject: whole.persistence, close: () => whole.close() }
            },
            async rewrite(persistence) {
              const { dir, whole } = opened.get(persistence)!
              await rewriteAll(dir, whole)
            },
          },
          (scene) =>
            run({
              ...scene,
              persistence: scene.subject,
              async backend() {
                const { backend } = opened.get(await scene.another())!.whole
                assert(backend, 'this case needs a SessionBackend over the same store')
                return backend
              },
            }),
        )
      },
    },
  )
}
