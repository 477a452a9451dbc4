import { readdirSync, readFileSync } from "node:fs";

/**
 * This process's direct children, each as "PID PROGRAM", whether the event loop waits for them or not. Empty where
 * there is no Linux /proc. Source: proc(5), `task/TID/children` and `comm`.
 */
export function childProcesses(): string[] {
  return childrenOf("self").map((pid) => `${pid} ${read(`/proc/${pid}/comm`).trim()}`);
}

/** The direct children of a process, by their ids. Empty where there is no Linux /proc, or no such process. */
export function childrenOf(parent: number | "self"): number[] {
  return readThreads(parent)
    .flatMap((thread) => read(`/proc/${parent}/task/${thread}/children`).trim().split(" "))
    .filter((pid) => pid !== "")
    .map(Number);
}

function readThreads(parent: number | "self"): string[] {
  try {
    return readdirSync(`/proc/${parent}/task`);
  } catch {
    return [];
  }
}

/** A file's content, or nothing when its process has just ended. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Processes of this user whose environment or arguments contain a text, each as "PID PROGRAM". Source: proc(5). */
export function processesMentioning(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => read(`/proc/${pid}/environ`).includes(text) || read(`/proc/${pid}/cmdline`).includes(text))
    .map((pid) => `${pid} ${read(`/proc/${pid}/comm`).trim()}`);
}
