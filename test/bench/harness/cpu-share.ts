import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** How long the kernel looks at a time, in microseconds: short, or a process would stand still for what can be noticed. */
const PERIOD_US = 10_000;
/** Where the processor's control group has its files: version 1 of control groups, then version 2. */
const ROOTS = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"] as const;

/**
 * Holds a process down to a share of one core, by the kernel's bandwidth control (Linux, Documentation/scheduler/sched-bwc.rst).
 * So a machine with few cores can play one with many slow ones. Needs the right to make control groups.
 */
export class CpuShare implements Disposable {
  readonly #group: string;
  readonly #pid: number;

  /**
   * @param share 0.15 is 15 % of a core
   * @param roots where to look for control groups; for tests
   * @throws what the file system says where there are none, or no right to make one
   */
  static of(pid: number, share: number, roots: readonly string[] = ROOTS): CpuShare {
    const isVersion1 = (root: string): boolean => existsSync(join(root, "cpu.cfs_quota_us"));
    const root = roots.find(isVersion1) ?? roots.find((one) => existsSync(join(one, "cgroup.subtree_control")));
    if (root === undefined) throw new Error("this machine has no control groups for the processor");
    const group = join(root, `drawbridge-bench-${pid}`);
    if (!isVersion1(root)) writeFileSync(join(root, "cgroup.subtree_control"), "+cpu");
    mkdirSync(group);
    const quota = Math.round(share * PERIOD_US);
    const settings = isVersion1(root)
      ? { "cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota }
      : { "cpu.max": `${quota} ${PERIOD_US}` };
    for (const [file, value] of Object.entries(settings)) writeFileSync(join(group, file), String(value));
    writeFileSync(join(group, "cgroup.procs"), String(pid));
    return new CpuShare(group, pid);
  }

  private constructor(group: string, pid: number) {
    this.#group = group;
    this.#pid = pid;
  }

  /** Gives the process its full share again; it may have ended. */
  [Symbol.dispose](): void {
    try {
      writeFileSync(join(dirname(this.#group), "cgroup.procs"), String(this.#pid));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
    rmdirSync(this.#group);
  }
}
