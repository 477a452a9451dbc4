import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The user `nobody` of Debian and its kin. */
export const NOBODY_UID = 65_534;

/** A test that acts as another user; where it cannot it is reported as skipped, with the reason in its title. */
export function otherUserIt(title: string, body: Mocha.AsyncFunc): void {
  const reason = whyNoOtherUser();
  if (reason === undefined) it(title, body);
  else it.skip(`${title} (skipped: ${reason})`, body);
}

/** Why a test cannot act as another user; undefined when it can. */
export function whyNoOtherUser(): string | undefined {
  if (process.platform !== "linux") return "only Linux's check of owners can be tried as another user";
  return process.geteuid?.() === 0 ? undefined : "only root can start a process as another user";
}

/** What another user's client saw. */
export interface OtherUsersClient {
  /** All that it was sent, as text. */
  readonly received: string;
  /** How its connection ended: `closed`, or the code of an error. */
  readonly end: string;
}

// With "leave" it is gone before anybody can look.
const SCRIPT = `
const [host, port, text, manner] = process.argv.slice(1);
const socket = require("node:net").connect({ host, port: Number(port), allowHalfOpen: true });
let received = "", end = "closed";
socket.setEncoding("latin1").on("data", (data) => (received += data));
socket.on("error", (error) => (end = error.code)).on("end", () => socket.end());
socket.on("close", () => console.log(JSON.stringify({ received, end })));
socket.write(text, () => manner === "leave" && socket.destroy());
`;

/**
 * Connects as `nobody`, sends a text, and resolves once the connection has ended. @param manner whether the client stays
 * until it is closed, or leaves as soon as its text is sent
 */
export async function connectAsNobody(
  address: { readonly host: string; readonly port: number },
  text: string,
  manner: "stay" | "leave" = "stay",
): Promise<OtherUsersClient> {
  const args = ["-e", SCRIPT, address.host, String(address.port), text, manner];
  const user = { uid: NOBODY_UID, gid: NOBODY_UID, cwd: "/", env: {} };
  const { stdout } = await run(process.execPath, args, { ...user, timeout: 15_000 });
  return JSON.parse(stdout) as OtherUsersClient;
}
