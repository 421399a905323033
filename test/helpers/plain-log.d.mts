/** First words of the live messages, and of those among them that a compaction archived. */
export function plainLog(file: string): { texts: string[]; archived: string[] }
