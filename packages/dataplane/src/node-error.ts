import { DrawbridgeError, type ErrorCode } from "./errors.ts";

/** What was being done when Node reported the error; chooses the code and the words. */
export type NodeErrorContext = "dial" | "listen" | "transfer";

interface Translation {
  readonly code: ErrorCode;
  /** Completed with the address in front: "127.0.0.1:3389 refused the connection". */
  readonly what: string;
  readonly remedy: string;
}

const dialTranslations: Readonly<Record<string, Omit<Translation, "code">>> = {
  ECONNREFUSED: {
    what: "refused the connection",
    remedy: "Check that the service is running and listens on this address and port.",
  },
  ETIMEDOUT: {
    what: "did not answer in time",
    remedy: "Check the address, and that no firewall drops the connection.",
  },
  ENOTFOUND: {
    what: "cannot be found: the name does not resolve",
    remedy: "Check the spelling of the host name, and DNS.",
  },
  EAI_AGAIN: {
    what: "cannot be looked up: the name server does not answer",
    remedy: "Check this machine's network and DNS.",
  },
  EHOSTUNREACH: {
    what: "cannot be reached: no route to the host",
    remedy: "Check the address, the network and the VPN.",
  },
  ENETUNREACH: {
    what: "cannot be reached: no route to its network",
    remedy: "Check this machine's network and the VPN.",
  },
  ENETDOWN: { what: "cannot be reached: the network is down", remedy: "Check this machine's network." },
  EADDRNOTAVAIL: {
    what: "cannot be reached: this machine has no address or port left to dial it from",
    remedy: "Check the address; close connections that are not needed.",
  },
  EACCES: { what: "cannot be dialled: this machine forbids it", remedy: "Check this machine's firewall rules." },
  EPERM: { what: "cannot be dialled: this machine forbids it", remedy: "Check this machine's firewall rules." },
  EMFILE: { what: "cannot be dialled: too many open files", remedy: "Raise the limit of open files (ulimit -n)." },
  ECONNRESET: { what: "reset the connection", remedy: "Check the service's own log for the reason." },
};

const listenTranslations: Readonly<Record<string, Translation>> = {
  EADDRINUSE: {
    code: "address-in-use",
    what: "is in use by another program",
    remedy: "Choose another port, or end the program that has it.",
  },
  EACCES: {
    code: "permission-denied",
    what: "may not be listened on by this user",
    remedy: "Choose a port from 1024 on, or run with the right to bind to this one.",
  },
  EADDRNOTAVAIL: {
    code: "invalid-argument",
    what: "is not an address of this machine",
    remedy: "Listen on one of this machine's addresses, for example 127.0.0.1 or 0.0.0.0.",
  },
  ENOTFOUND: {
    code: "invalid-argument",
    what: "cannot be found: the name does not resolve",
    remedy: "Listen on one of this machine's addresses, for example 127.0.0.1 or 0.0.0.0.",
  },
  EMFILE: {
    code: "limit-exceeded",
    what: "cannot be listened on: too many open files",
    remedy: "Raise the limit of open files (ulimit -n).",
  },
};

const transferTranslations: Readonly<Record<string, string>> = {
  ECONNRESET: "reset the connection",
  ECONNABORTED: "aborted the connection",
  EPIPE: "closed the connection while data was sent to it",
  ETIMEDOUT: "stopped answering",
  EHOSTUNREACH: "can no longer be reached: no route to the host",
  ENETUNREACH: "can no longer be reached: no route to its network",
};

/** Node's code of an error (`ECONNREFUSED`), also of one that bundles several attempts; undefined when it has none. */
export function nodeErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  return error instanceof AggregateError ? nodeErrorCode(error.errors[0]) : undefined;
}

function translate(code: string | undefined, context: NodeErrorContext, error: unknown): Translation {
  const detail = code ?? (error instanceof Error ? error.message : String(error));
  switch (context) {
    case "dial": {
      const known = code === undefined ? undefined : dialTranslations[code];
      return {
        code: "dial-failed",
        ...(known ?? { what: `cannot be dialled (${detail})`, remedy: "Check the address." }),
      };
    }
    case "listen": {
      const known = code === undefined ? undefined : listenTranslations[code];
      return known ?? { code: "internal", what: `cannot be listened on (${detail})`, remedy: "Check the address." };
    }
    case "transfer": {
      const known = code === undefined ? undefined : transferTranslations[code];
      return { code: "closed", what: known ?? `failed (${detail})`, remedy: "" };
    }
  }
}

/**
 * Translates an error of Node's net, tls or dns module into ours; the one place that does. A DrawbridgeError passes through.
 *
 * @param subject what it happened to: an address (`127.0.0.1:3389`) or a word of the design (`the tenant leg`)
 */
export function fromNodeError(error: unknown, subject: string, context: NodeErrorContext): DrawbridgeError {
  if (error instanceof DrawbridgeError) return error;
  const { code, what, remedy } = translate(nodeErrorCode(error), context, error);
  return new DrawbridgeError(code, `${subject} ${what}`, { remedy, cause: error });
}
