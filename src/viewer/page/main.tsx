import { App } from './app.js'
import { Failure } from './parts.js'
import { followLinks } from './place.js'
import { logIn } from './server.js'
import { render } from './ui.js'

const root = document.getElementById('app')
if (root !== null) {
  followLinks()
  logIn().then(
    () => render(<App />, root),
    (error) => render(<Failure error={error} />, root),
  )
}
