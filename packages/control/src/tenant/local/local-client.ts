import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { closeReasonError, DrawbridgeError } from "@drawbridge/dataplane";
import { readLines } from "./line-reader.ts";
import { findLocalAddress } from "./local-address.ts";
import type { LocalAnswer, LocalRequest } from "./local-protocol.ts";
import { LOCAL_VERSION, localAnswerSchema, MAX_ANSWER_BYTES } from "./local-protocol.ts";

type Answered<Name extends LocalAnswer["answer"]> = Extract<LocalAnswer, { answer: Name }>;

/**
 * Asks the tenant redirector that runs on a home.
 *
 * Errors: `unavailable` where none runs, and only there; what it answers; `protocol-violation`; `cancelled`.
 *
 * @param expected what the answer has to be.
 */
export async function askLocal<Name extends LocalAnswer["answer"]>(
  home: string,
  request: LocalRequest,
  expected: Name,
  signal: AbortSignal,
): Promise<Answered<Name>> {
  for await (const answer of converse(home, request, expected, signal)) return answer;
  throw hungUp();
}

/** The requests that wait for an answer, now and at each change, until the signal fires. Errors: as {@link askLocal}. */
export async function* watchLocal(
  home: string,
  signal: AbortSignal,
): AsyncGenerator<Answered<"requests">, void, undefined> {
  yield* converse(home, { call: "watch" }, "requests", signal);
}

async function* converse<Name extends LocalAnswer["answer"]>(
  home: string,
  request: LocalRequest,
  expected: Name,
  signal: AbortSignal,
): AsyncGenerator<Answered<Name>, void, undefined> {
  const socket = await open(home, signal);
  try {
    socket.write(`${JSON.stringify({ v: LOCAL_VERSION, ...request })}\n`);
    for await (const line of readLines(socket, MAX_ANSWER_BYTES)) {
      const answer = parseAnswer(line);
      if (answer.answer === "error") throw closeReasonError({ ...answer, remedy: answer.remedy ?? "" });
      if (answer.answer !== expected) throw notUnderstood();
      yield answer as Answered<Name>;
    }
  } catch (error) {
    if (signal.aborted) throw new DrawbridgeError("cancelled", "the request was cancelled", { cause: error });
    throw error instanceof DrawbridgeError ? error : hungUp(error);
  } finally {
    socket.destroy();
  }
}

function hungUp(cause?: unknown): DrawbridgeError {
  return new DrawbridgeError("closed", "the tenant redirector hung up without an answer", {
    remedy: "Look at the log of `drawbridge tenant run`.",
    cause,
  });
}

async function open(home: string, signal: AbortSignal): Promise<Socket> {
  const path = await findLocalAddress(home);
  if (path === undefined) throw notRunning(home);
  const socket = connect({ path, signal });
  try {
    await once(socket, "connect");
    return socket;
  } catch (error) {
    socket.destroy();
    throw cannotAsk(home, path, error);
  }
}

function cannotAsk(home: string, path: string, cause: unknown): DrawbridgeError {
  const errno = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  if (errno === "ENOENT" || errno === "ECONNREFUSED") return notRunning(home, cause);
  return new DrawbridgeError("closed", `the tenant redirector cannot be asked at ${path} (${errno})`, {
    remedy:
      "Run as the user that runs `drawbridge tenant run`; if it hangs, end that process: all access ends with it.",
    cause,
  });
}

function notRunning(home: string, cause?: unknown): DrawbridgeError {
  return new DrawbridgeError("unavailable", `\`drawbridge tenant run\` is not running on ${home}`, {
    remedy: "Start it, or name its --home.",
    cause,
  });
}

function parseAnswer(line: string): LocalAnswer {
  try {
    return localAnswerSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw notUnderstood(cause);
  }
}

function notUnderstood(cause?: unknown): DrawbridgeError {
  return new DrawbridgeError("protocol-violation", "the tenant redirector's answer is not understood", {
    remedy: "Restart `drawbridge tenant run`, so that both are of the same version.",
    cause,
  });
}
