import { saveIdentity, type EnrolledIdentity } from "@drawbridge/control/identity";
import { parseTargets, saveTargets, writeFreshPolicy } from "@drawbridge/control/tenant";
import { expect } from "chai";
import { join } from "node:path";
import { runCli, type DrawbridgeEvent } from "../../support/cli.ts";

/** What `drawbridge doctor --json` said. */
export interface DoctorRun {
  readonly code: number | null;
  readonly steps: readonly DrawbridgeEvent[];
  readonly summary: DrawbridgeEvent;
  /** The first step of this name, of this gateway or target where one is named. */
  readonly step: (name: string, subject?: string) => DrawbridgeEvent;
  /** Of each step in order: `dns ok`. */
  readonly outcomes: readonly string[];
}

/** Runs `drawbridge doctor --json` on a home. */
export async function runDoctor(home: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<DoctorRun> {
  const { code, events, stdout, tail } = await runCli(["doctor", "--json", ...args], { home, env });
  expect(events.length, `lines that are no JSON:\n${tail}`).to.equal(stdout.split("\n").length);
  const summary = events.at(-1);
  expect(summary?.event, tail).to.equal("summary");
  const steps = events.slice(0, -1);
  return {
    code,
    steps,
    summary: summary!,
    step(name, subject) {
      const found = steps.find((one) => one["step"] === name && (subject === undefined || one["subject"] === subject));
      if (found === undefined) throw new Error(`there is no step ${name}:\n${tail}`);
      return found;
    },
    outcomes: steps.map((one) => `${String(one["step"])} ${String(one["outcome"])}`),
  };
}

/** Writes the home of an enrolled operator or tenant, as enrolment does, into a folder. */
export async function writeHome(
  folder: string,
  identity: EnrolledIdentity,
  addresses: string[] = identity.addresses,
): Promise<void> {
  const path = join(folder, identity.kind);
  await saveIdentity(path, { ...identity, addresses });
  if (identity.kind === "operator") return;
  const targets = parseTargets(["rdp=127.0.0.1:1"]);
  await saveTargets(path, targets);
  await writeFreshPolicy(path, targets, identity.provider);
}
