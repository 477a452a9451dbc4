import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Child } from "../../../scripts/demo/child.ts";
import { until } from "../../../scripts/demo/until.ts";

const EXAMPLES = fileURLToPath(new URL("../../../examples/python/", import.meta.url));
/** Debian's own, which Debian's packages are for. */
const PYTHON = "/usr/bin/python3";

/** What must be there for the examples; see scripts/setup/debian-packages.json. */
export const PYTHON_PROGRAMS = ["grpc", "grpc_tools", "cryptography"].map(
  (name) => `../lib/python3/dist-packages/${name}/__init__.py`,
);

/** Compiles the contract, as the examples' README says. */
export async function compileContract(): Promise<void> {
  await promisify(execFile)(PYTHON, [`${EXAMPLES}generate.py`]);
}

/** A running example program. */
export class PythonProgram implements AsyncDisposable {
  readonly child: Child;
  readonly #lines: string[];

  private constructor(child: Child, lines: string[]) {
    this.child = child;
    this.#lines = lines;
  }

  static async start(program: string, args: readonly string[], input?: string): Promise<PythonProgram> {
    const lines: string[] = [];
    const child = await Child.start({
      name: program,
      command: PYTHON,
      args: ["-B", `${EXAMPLES}${program}`, ...args],
      onLine: (line) => lines.push(line),
      ...(input !== undefined && { input }),
    });
    return new PythonProgram(child, lines);
  }

  /** Runs a program to its end. Resolves to its exit code. */
  static async run(program: string, args: readonly string[], input?: string): Promise<number | null> {
    const { child } = await PythonProgram.start(program, args, input);
    return (await child.exited).code;
  }

  /** Resolves to the first line that begins so. */
  line(beginning: string): Promise<string> {
    const find = (): string | undefined => {
      const line = this.#lines.find((text) => text.startsWith(beginning));
      if (line === undefined && this.child.exit !== undefined) throw new Error(this.child.tail());
      return line;
    };
    return until(find, { what: `the line "${beginning}"`, timeoutMs: 30_000, intervalMs: 50 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }
}
