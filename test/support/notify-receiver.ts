import { Child } from "../../scripts/demo/child.ts";
import { until } from "../../scripts/demo/until.ts";

// Node cannot open such a socket. `recv` drops the descriptor that comes with a barrier, which is what ends its wait.
const SCRIPT = `
import json, socket, sys
name = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("\\0" + name[1:] if name.startswith("@") else name)
print("[]", flush=True)
while True:
    print(json.dumps(receiver.recv(65536).decode().split("\\n")), flush=True)
`;
const WITHIN_MS = 30_000;

/** A stand-in for a service manager: it takes what sd_notify(3) sends. Needs python3. */
export class NotifyReceiver implements AsyncDisposable {
  /** What `NOTIFY_SOCKET` is to be: a path, or `@` and an abstract name. */
  readonly socket: string;
  /** The messages so far, each as its lines. Barriers are left out. */
  readonly messages: string[][] = [];
  #child: Child | undefined;
  #listens = false;

  private constructor(socket: string) {
    this.socket = socket;
  }

  /** Resolves once the socket is there. */
  static async start(socket: string): Promise<NotifyReceiver> {
    const receiver = new NotifyReceiver(socket);
    receiver.#child = await Child.start({
      name: "the service manager",
      command: "python3",
      args: ["-c", SCRIPT, socket],
      onLine: (line) => receiver.#heard(JSON.parse(line) as string[]),
    });
    await receiver.#until("its socket", () => receiver.#listens);
    return receiver;
  }

  /** Resolves once this line has come so many times. */
  async waitFor(line: string, times = 1): Promise<void> {
    await this.#until(`${line}, ${times} times`, () => this.count(line) >= times);
  }

  /** How often a line has come. */
  count(line: string): number {
    return this.messages.flat().filter((text) => text === line).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.stop();
  }

  #heard(lines: string[]): void {
    this.#listens = true;
    if (lines.length > 0 && lines[0] !== "BARRIER=1") this.messages.push(lines);
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    const look = (): Promise<true | undefined> => Promise.resolve(condition() || undefined);
    await until(look, { what, timeoutMs: WITHIN_MS, intervalMs: 20 });
  }
}
