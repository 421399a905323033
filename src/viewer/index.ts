/**
 * `jsonl-sessions/viewer`: a page that shows what runs, what was said and what is broken, for a server of one's own.
 * @module viewer/api
 */
export type * from './api/shapes.js'
export { nodeListener } from './node-listener.js'
export { createViewer, type Viewer, type ViewerOptions } from './viewer.js'
