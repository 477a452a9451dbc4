import { fileURLToPath } from "node:url";
import { Child } from "../../../scripts/demo/child.ts";
import { until } from "../../../scripts/demo/until.ts";

const EXAMPLES = fileURLToPath(new URL("../../../examples/node/", import.meta.url));

/** One of the examples as a process, exactly as it stands in the repository. */
export class ExampleProgram implements AsyncDisposable {
  readonly child: Child;
  /** Its standard output so far. */
  readonly lines: readonly string[];

  private constructor(child: Child, lines: readonly string[]) {
    this.child = child;
    this.lines = lines;
  }

  /** @param inviteCode for one that enrols itself */
  static async start(program: string, args: readonly string[], inviteCode?: string): Promise<ExampleProgram> {
    const lines: string[] = [];
    const child = await Child.start({
      name: program,
      command: process.execPath,
      args: [`${EXAMPLES}${program}`, ...args],
      env: { ...process.env, ...(inviteCode !== undefined && { INVITE_CODE: inviteCode }) },
      onLine: (line) => lines.push(line),
    });
    return new ExampleProgram(child, lines);
  }

  /** Runs a program to its end. */
  static async run(
    program: string,
    args: readonly string[],
    inviteCode?: string,
  ): Promise<{ code: number | null; lines: readonly string[]; tail: string }> {
    const { child, lines } = await ExampleProgram.start(program, args, inviteCode);
    const { code } = await child.exited;
    return { code, lines, tail: child.tail() };
  }

  /** Resolves to the first line that begins so. */
  line(beginning: string): Promise<string> {
    const find = (): string | undefined => {
      const line = this.lines.find((text) => text.startsWith(beginning));
      if (line === undefined && this.child.exit !== undefined) throw new Error(this.child.tail());
      return line;
    };
    return until(find, { what: `the line "${beginning}"`, timeoutMs: 30_000, intervalMs: 50 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }
}
