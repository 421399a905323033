/** In the place of packages whose types the reference does not name; see tsconfig.api.json. */
export {}
