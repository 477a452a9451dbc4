/** A session as it began. */
export interface SessionStarted {
  /** The session's id, unique for ever. */
  readonly id: string;
  /** The operator's name. */
  readonly operator: string;
  /** The tenant's name. */
  readonly tenant: string;
  /** The target's name. */
  readonly target: string;
  readonly reason: string;
  readonly ticket: string;
  /** The address that the operator asked from. */
  readonly sourceAddress: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

/** How a session ended. */
export interface SessionEnd {
  /** Milliseconds since the Unix epoch. */
  readonly endedAt: number;
  /** The code of the reason, as in `drawbridge.v1.Refusal`: `closed` when the operator was done. */
  readonly closeCode: string;
  readonly bytesToTenant: number;
  readonly bytesToRemote: number;
}

/** A session of the history; without an `end` it is open, or was when the cloud redirector died. */
export interface SessionRecord extends SessionStarted {
  readonly end: SessionEnd | undefined;
}

/** Which sessions of the history are wanted. */
export interface SessionHistoryFilter {
  /** Only of this tenant. Default: all. */
  readonly tenant?: string;
  /** Only of this operator. Default: all. */
  readonly operator?: string;
  /** Only sessions that started before this time, in milliseconds since the Unix epoch; for the next page. */
  readonly startedBefore?: number;
  /** 1 to 1,000. Default: 100. */
  readonly limit?: number;
}
