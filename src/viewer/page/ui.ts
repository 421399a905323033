/** The door to preact. */
import { Component, createElement, type VNode } from 'preact'

export { type ComponentChildren, createElement, Fragment, render, type VNode } from 'preact'
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'

/** A component that is drawn again only when its props are others in the eyes of `isSame`. */
export function memo<P extends object>(draw: (props: P) => VNode | null, isSame: (a: P, b: P) => boolean) {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !isSame(this.props as P, next)
    }

    render(props: P): VNode {
      return createElement(draw, props) as VNode
    }
  }
}
