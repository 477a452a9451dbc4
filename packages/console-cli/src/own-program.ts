/** How this program is started again, with other arguments: as one executable, or as a script of Node's. */
export async function ownProgram(args: readonly string[]): Promise<{ command: string; args: string[] }> {
  const { isSea } = await import("node:sea");
  const script = process.argv[1];
  const self = isSea() || script === undefined ? [] : [script];
  return { command: process.execPath, args: [...self, ...args] };
}
