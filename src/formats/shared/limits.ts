/** A file that is one JSON value or one text is read as a whole, up to this size. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024
