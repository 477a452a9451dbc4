/** Where a redirector writes its log: pino's shape, so that a pino logger fits as it is. */
export interface Log {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
  debug(fields: object, text: string): void;
}

/** A log that keeps nothing: for programs that want none. */
export const noLog: Log = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
