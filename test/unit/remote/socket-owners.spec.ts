import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { endianness, tmpdir } from "node:os";
import path from "node:path";

import { expect } from "chai";
import fc from "fast-check";

import { LinuxSocketOwners } from "../../../packages/control/src/remote/socket-owner-linux.ts";
import { ownerInLsofOutput } from "../../../packages/control/src/remote/socket-owner-macos.ts";
import { platformSocketOwners } from "../../../packages/control/src/remote/socket-owner-platform.ts";
import {
  ownerInPowershellOutput,
  windowsOwnerScript,
} from "../../../packages/control/src/remote/socket-owner-windows.ts";

const connection = { client: { host: "127.0.0.1", port: 48_420 }, listener: { host: "127.1.2.3", port: 50_671 } };
const never = new AbortController().signal;

describe("socket owners on Linux", () => {
  let folder = "";
  const row = (uid: number, clientPort = 48_420, number = 0): string =>
    `${String(number).padStart(4)}: 0100007F:${clientPort.toString(16).toUpperCase()} 0302017F:C5EF 01 00000000:00000000 ` +
    `00:00000000 00000000 ${String(uid).padStart(5)}        0 92464 2 00000000080885b6 20 0 0 10 -1`;
  const table = async (name: string, ...rows: string[]): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, ["  sl  local_address rem_address", ...rows, ""].join("\n"));
    return file;
  };

  before(async function () {
    if (endianness() !== "LE") this.skip();
    folder = await mkdtemp(path.join(tmpdir(), "drawbridge-owners-"));
  });
  after(async () => {
    if (folder !== "") await rm(folder, { recursive: true });
  });

  it("knows its own user, and names another", async () => {
    const tables = [await table("own", row(1000))];
    expect(await new LinuxSocketOwners({ tables, ownUid: 1000 }).ownerOf(connection, never)).to.deep.equal({
      kind: "own",
    });
    expect(await new LinuxSocketOwners({ tables, ownUid: 1001 }).ownerOf(connection, never)).to.deep.equal({
      kind: "other",
      owner: "uid 1000",
    });
  });

  it("counts root as another user", async () => {
    const tables = [await table("root", row(0))];
    const owner = await new LinuxSocketOwners({ tables, ownUid: 1000 }).ownerOf(connection, never);
    expect(owner).to.deep.equal({ kind: "other", owner: "uid 0" });
  });

  it("does not know the owner of a connection that is in no table, also where a table is missing", async () => {
    const tables = [path.join(folder, "not-there"), await table("others", row(1000, 48_421))];
    const owner = await new LinuxSocketOwners({ tables, ownUid: 1000 }).ownerOf(connection, never);
    expect(owner.kind).to.equal("unknown");
  });

  it("looks again when a row is not there at first", async () => {
    const tables = [await table("late")];
    const looksAfterMs = Array.from({ length: 10_000 }, () => 1);
    const owners = new LinuxSocketOwners({ tables, ownUid: 1000, looksAfterMs });
    const owner = owners.ownerOf(connection, never);
    await table("late", row(1000));
    expect(await owner).to.deep.equal({ kind: "own" });
  });

  it("answers many connections at once, each with its own owner, from a table of ten thousand sockets", async () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => row(1000 + (index % 2), 0x8000 + index, index));
    const owners = new LinuxSocketOwners({ tables: [await table("large", ...rows)], ownUid: 1000 });
    const asked = Array.from({ length: 64 }, (_, index) => 0x8000 + index * 150);
    const answers = await Promise.all(
      asked.map((port) => owners.ownerOf({ ...connection, client: { host: "127.0.0.1", port } }, never)),
    );
    expect(answers.map(({ kind }) => kind)).to.deep.equal(asked.map((port) => (port % 2 === 0 ? "own" : "other")));
  });

  it("does not believe the number that stands for every unmapped user", async () => {
    const tables = [await table("nobody", row(65_534))];
    const uidMap = path.join(folder, "uid_map");
    const owners = new LinuxSocketOwners({ tables, ownUid: 65_534, uidMap });
    await writeFile(uidMap, "         0       1000          1\n");
    expect((await owners.ownerOf(connection, never)).kind).to.equal("unknown");
    await writeFile(uidMap, "         0          0 4294967295\n");
    expect(await owners.ownerOf(connection, never)).to.deep.equal({ kind: "own" });
  });

  it("ends with its signal, and fails when a table cannot be read", async () => {
    const owners = new LinuxSocketOwners({ tables: [await table("none")], ownUid: 1000 });
    const outcome = (signal: AbortSignal, from = owners): Promise<unknown> =>
      from.ownerOf(connection, signal).catch((error: unknown) => error);
    expect(await outcome(AbortSignal.abort())).to.be.instanceOf(Error);
    expect(await outcome(never, new LinuxSocketOwners({ tables: [folder], ownUid: 1000 }))).to.be.instanceOf(Error);
  });
});

describe("socket owners by lsof", () => {
  const output = (...lines: string[]): string => [...lines, ""].join("\n");
  const ours = "n127.0.0.1:48420->127.1.2.3:50671";

  it("takes the user of the process that holds the connecting end", () => {
    const text = output("p10", "u501", "f3", "n127.1.2.3:50671", "f4", "n127.1.2.3:50671->127.0.0.1:48420");
    expect(ownerInLsofOutput(text + output("p11", "u501", "f7", ours), connection, 501)).to.deep.equal({ kind: "own" });
    expect(ownerInLsofOutput(text + output("p11", "u502", "f7", ours), connection, 501)).to.deep.equal({
      kind: "other",
      owner: "uid 502",
    });
  });

  it("does not take our own end for the connecting one", () => {
    const text = output("p10", "u501", "f4", "n127.1.2.3:50671->127.0.0.1:48420");
    expect(ownerInLsofOutput(text, connection, 501).kind).to.equal("unknown");
  });

  it("lets nobody in who shares the connection with another user", () => {
    const text = output("p10", "u501", "f4", ours, "p11", "u502", "f4", ours);
    expect(ownerInLsofOutput(text, connection, 501)).to.deep.equal({ kind: "other", owner: "uid 502" });
  });

  it("does not carry a user from one process over to the next, and finds connections of IPv6 sockets", () => {
    expect(ownerInLsofOutput(output("p10", "u501", "p11", "f4", ours), connection, 501).kind).to.equal("other");
    const mapped = "n[::ffff:127.0.0.1]:48420->[::ffff:127.1.2.3]:50671";
    expect(ownerInLsofOutput(output("p10", "u501", mapped), connection, 501)).to.deep.equal({ kind: "own" });
  });

  it("finds no owner in garbage", () => {
    fc.assert(fc.property(fc.string(), (text) => ownerInLsofOutput(text, connection, 501).kind === "unknown"));
  });
});

describe("socket owners by PowerShell", () => {
  const [alice, bob] = [
    "S-1-5-21-1004336348-1177238915-682003330-1001",
    "S-1-5-21-1004336348-1177238915-682003330-1002",
  ];

  it("compares the client's user with our own", () => {
    expect(ownerInPowershellOutput(`client=${alice}\r\nown=${alice}\r\n`)).to.deep.equal({ kind: "own" });
    expect(ownerInPowershellOutput(`client=${bob}\r\nown=${alice}\r\n`)).to.deep.equal({ kind: "other", owner: bob });
  });

  it("knows no owner where Windows refuses to tell one", () => {
    for (const text of ["", `client=\r\nown=${alice}\r\n`, "client=\r\nown=\r\n", `client=${alice}\r\n`])
      expect(ownerInPowershellOutput(text).kind, text).to.equal("unknown");
    fc.assert(fc.property(fc.string(), (text) => ownerInPowershellOutput(text).kind === "unknown"));
  });

  it("asks for this connection's process, without double quotes", () => {
    const script = windowsOwnerScript(connection);
    expect(script).to.include(
      "-LocalAddress '127.0.0.1' -LocalPort 48420 -RemoteAddress '127.1.2.3' -RemotePort 50671",
    );
    expect(script).to.not.include('"');
  });

  it("puts nothing but IP addresses and ports into the script", () => {
    for (const host of ["127.0.0.1'; calc; '", "localhost", "fe80::1%';calc;'"])
      expect(() => windowsOwnerScript({ ...connection, client: { host, port: 1 } }), host).to.throw(
        "not an IP address",
      );
  });
});

describe("socket owners on a platform without a check", () => {
  it("are unknown", async () => {
    expect((await platformSocketOwners("freebsd").ownerOf(connection, never)).kind).to.equal("unknown");
  });
});
