/** What a flow tells its owner. */
export interface FlowEvents {
  /** Bytes moved, for the first-byte and last-activity times. Called for every read; must be cheap. */
  readonly moved: () => void;
  /** The source ended, and all its bytes and its end reached the sink's transport. Called at most once. */
  readonly flushed: () => void;
}

/**
 * One direction of a splice: copies from source to sink, in order, with back-pressure, and passes the source's end on.
 * Errors and closes are the splice's business, which sees both streams.
 */
export interface Flow {
  /** Bytes taken from the source and handed to the sink. */
  readonly bytes: number;
  /** Begins to copy, with what the source has buffered already. */
  start(): void;
  /** Gives up all listeners; moves nothing any more. */
  stop(): void;
}
