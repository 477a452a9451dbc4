import { type Duplex, duplexPair } from "node:stream";

/** A pipe inside of this program. What is written to one end is read from the other, and each may end alone. */
export interface ProgramPipe {
  /** For whoever uses the link. Destroying it destroys the far end, unless both directions have ended. */
  readonly near: Duplex;
  /** For the splice. */
  readonly far: Duplex;
}

/**
 * Makes a pipe whose far end a splice takes for a connection.
 *
 * @param cutOff the error that the near end is destroyed with where the far one is destroyed before both directions have
 *   ended. Default: the near end is left alone, and the caller tells it why.
 */
export function programPipe(cutOff?: () => Error): ProgramPipe {
  const [near, far] = duplexPair({ allowHalfOpen: true });
  // Node tells the other end of a pair that is destroyed without an error that it ended in order: a part would pass for
  // the whole.
  far._destroy = (error, done) => {
    done(error);
    if (cutOff !== undefined && !hasEnded(far)) near.destroy(cutOff());
  };
  near._destroy = (error, done) => {
    done(error);
    if (!hasEnded(near)) far.destroy();
  };
  return { near, far };
}

const hasEnded = ({ readableEnded, writableFinished }: Duplex): boolean => readableEnded && writableFinished;
