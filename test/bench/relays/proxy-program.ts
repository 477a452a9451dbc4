import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { Child } from "../../../scripts/demo/child.ts";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { until } from "../../../scripts/demo/until.ts";
import { pathsTo, type BackendPorts, type PathUse, type Relay } from "./relay.ts";

/** One listener of a proxy: where it listens, and the port of loopback that it relays to. */
export interface ProxyRoute {
  readonly use: PathUse;
  readonly port: number;
  readonly backend: number;
}

/** A proxy that is a program of somebody else's with a configuration file. */
export interface ProxyProgram {
  readonly name: string;
  readonly command: string;
  /** @param folder where it may put files */
  readonly configure: (routes: readonly ProxyRoute[], folder: string) => string;
  readonly args: (configFile: string, folder: string) => readonly string[];
}

/** Starts a proxy with a route to each backend. */
export async function startProxy(program: ProxyProgram, backends: BackendPorts): Promise<Relay> {
  const stack = new AsyncDisposableStack();
  try {
    const folder = stack.use(await TemporaryFolder.create("bench"));
    const routes: ProxyRoute[] = [];
    for (const use of ["send", "receive", "echo"] as const) {
      routes.push({ use, port: await freePort(), backend: backends[use] });
    }
    const configFile = folder.file("config");
    await writeFile(configFile, program.configure(routes, folder.path));
    const { name, command, args } = program;
    const child = stack.use(await Child.start({ name, command, args: args(configFile, folder.path) }));
    for (const { port } of routes) await untilDialled(port, child);
    return {
      name,
      pid: child.pid,
      open: (use, count) => Promise.resolve(pathsTo(routes.find((route) => route.use === use)?.port ?? 0, count)),
      close: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Resolves once a port of loopback takes connections. */
export async function untilDialled(port: number, child: Child): Promise<void> {
  const look = (): Promise<true | undefined> => {
    if (child.exit !== undefined) throw new Error(`${child.name} ended: ${child.tail()}`);
    return new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(undefined));
      socket.once("connect", () => socket.destroy());
    });
  };
  await until(look, { what: `the port of ${child.name}`, log: () => child.tail() });
}
