import { readdirSync, readFileSync } from "node:fs";

/** Ticks a second of the times in /proc; 100 on every Linux that Node runs on (sysconf(3), _SC_CLK_TCK). */
const TICKS_PER_SECOND = 100;

/** What /proc/PID/stat tells, see proc(5). */
interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** CPU seconds that a process and its living children have used, user and system together. */
export function cpuSeconds(pid: number): number {
  return family(pid).reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND;
}

/** A process and its living children, and theirs. */
export function processFamily(pid: number): readonly number[] {
  return family(pid).map((stat) => stat.pid);
}

function family(pid: number): readonly ProcessStat[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined);
  const members = new Set([pid]);
  // Children have been started later, but process ids wrap: look until no more is found.
  for (let before = 0; before !== members.size;) {
    before = members.size;
    for (const stat of all) if (members.has(stat.parent)) members.add(stat.pid);
  }
  return all.filter((stat) => members.has(stat.pid));
}

/** CPU seconds that a process has used, without its children. */
export function ownCpuSeconds(pid: number): number {
  return (readStat(pid)?.ticks ?? Number.NaN) / TICKS_PER_SECOND;
}

/** The resident memory of one process, in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) * 1024;
}

function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything. Behind it: state, ppid, and from the 12th on utime and stime.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined; // it has just ended
  }
}
