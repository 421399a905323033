/** The door to preact. */
export { type ComponentChildren, createElement, Fragment, render, type VNode } from 'preact'
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
