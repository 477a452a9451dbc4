import { inspect } from "node:util";

import { childProcesses } from "./processes.ts";

/** Kinds that are there in passing: the check's own turns of the loop, and work that ends by itself. */
const PASSING = new Set(["Immediate", "FSReqCallback", "FSReqPromise", "GetAddrInfoReqWrap", "CloseReq", "TickObject"]);

/** What keeps this process's event loop alive, by kind, and its child processes. */
export interface Resources {
  readonly kinds: readonly string[];
  readonly handles: ReadonlySet<unknown>;
  readonly children: readonly string[];
}

/** The resources at this moment. The two standard streams are made first, because Node makes them on their first use. */
export function resourcesNow(): Resources {
  [process.stdout, process.stderr];
  return {
    kinds: process.getActiveResourcesInfo().filter((kind) => !PASSING.has(kind)),
    handles: new Set(activeHandles()),
    children: childProcesses(),
  };
}

/** One line for each resource that is there now and was not before: "TCPServerWrap Server 127.0.0.1:4711". */
export function leakedSince(before: Resources): string[] {
  const now = resourcesNow();
  const remaining = [...before.kinds];
  const kinds = now.kinds.filter((kind) => {
    const index = remaining.indexOf(kind);
    if (index >= 0) remaining.splice(index, 1);
    return index < 0;
  });
  const handles = kinds.length > 0 ? [...now.handles].filter((handle) => !before.handles.has(handle)) : [];
  const children = now.children.filter((child) => !before.children.includes(child));
  return [...kinds, ...handles.map(describeHandle), ...children.map((child) => `child process ${child}`)];
}

/** Undocumented, but the only way to tell which socket it is; used for the failure's text alone. */
function activeHandles(): readonly unknown[] {
  const { _getActiveHandles } = process as unknown as { _getActiveHandles?: () => unknown[] };
  return _getActiveHandles?.call(process) ?? [];
}

interface Addressed {
  readonly address?: () => unknown;
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly pid?: number;
}

function describeHandle(handle: unknown): string {
  const name = (handle as object).constructor.name;
  const { address, localPort, remotePort, pid } = handle as Addressed;
  const place = { address: address?.call(handle), localPort, remotePort, pid };
  return `  a ${name} ${inspect(place, { breakLength: Infinity, compact: true })}`;
}
