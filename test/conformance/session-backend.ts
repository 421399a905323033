/** The suite of the contract `SessionBackend`. */
import type { SessionBackend } from '../../src/contracts/session-backend/index.js'
import { type Framework, registerCases } from './framework.js'
import { withScene } from './scene.js'
import { cleanupCases } from './session-backend/cleanup.js'
import { compactCases } from './session-backend/compact.js'
import { damageCases } from './session-backend/damage.js'
import { deleteCases } from './session-backend/delete.js'
import { errorCases } from './session-backend/errors.js'
import { faultCases } from './session-backend/faults.js'
import { fileCases } from './session-backend/files.js'
import { instanceCases } from './session-backend/instances.js'
import { keyCases } from './session-backend/keys.js'
import { lineCases } from './session-backend/lines.js'
import { listCases } from './session-backend/list.js'
import { messageCases } from './session-backend/messages.js'
import { nameCases } from './session-backend/names.js'
import { removeCases } from './session-backend/remove.js'
import { runningCases } from './session-backend/running.js'
import { type BackendOptions, type BackendScene, rewriteAll } from './session-backend/scene.js'
import { searchCases } from './session-backend/search.js'
import { searchRuleCases } from './session-backend/search-rules.js'
import { sidecarCases } from './session-backend/sidecars.js'
import { stateCases } from './session-backend/state.js'
import { timeCases } from './session-backend/times.js'
import { upstreamCases } from './session-backend/upstream.js'

export interface OpenedBackend {
  backend: SessionBackend
  close(): Promise<void>
}

export interface SessionBackendSuite extends Framework {
  /** Opens the implementation on a folder that exists. `now` is its only source of time. */
  open(dir: string, options: BackendOptions & { now(): number }): Promise<OpenedBackend>
  /** Cases that the implementation does not fulfil, by name, each with the reason. */
  skip?: Readonly<Record<string, string>>
}

const cases = [
  ...messageCases,
  ...lineCases,
  ...damageCases,
  ...keyCases,
  ...removeCases,
  ...listCases,
  ...timeCases,
  ...fileCases,
  ...compactCases,
  ...cleanupCases,
  ...searchCases,
  ...searchRuleCases,
  ...deleteCases,
  ...nameCases,
  ...stateCases,
  ...runningCases,
  ...sidecarCases,
  ...instanceCases,
  ...errorCases,
  ...faultCases,
  ...upstreamCases,
]

/** Runs every case of the contract against the implementation that `open` gives, in every weather. */
export function testSessionBackend({ describe, test, open, skip = {} }: SessionBackendSuite): void {
  registerCases<BackendScene>(
    { describe, test },
    {
      title: 'SessionBackend',
      cases,
      skip,
      play: (weather, run) =>
        withScene<SessionBackend, BackendOptions>(
          {
            weather,
            async open(dir, options) {
              const { backend, close } = await open(dir, options)
              return { subject: backend, close }
            },
            rewrite: rewriteAll,
          },
          (scene) => run({ ...scene, backend: scene.subject }),
        ),
    },
  )
}
