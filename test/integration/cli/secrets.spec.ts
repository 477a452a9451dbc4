import { createPrivateKey } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { decodeInviteCode } from "@drawbridge/control/identity";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import type { DrawbridgeProcess } from "../../support/cli.ts";
import { expectCli, runCli, startCli, stopCli } from "../../support/cli.ts";
import { dialLoopback, readAll } from "../../support/dataplane-sockets.ts";
import { TargetServer } from "./target-server.ts";

const LOUD = ["--log-level", "debug", "--log-format", "json", "--verbose"];

describe("secrets in what the command line prints and keeps", function () {
  this.timeout(60_000);
  const resources = new AsyncDisposableStack();
  let home: string;
  const codes: string[] = [];
  const outputs: string[] = [];

  /** Runs a command and keeps all that it printed. */
  const run = async (args: string[], input?: string): Promise<string> => {
    const result = await runCli([...args, ...LOUD], { home, ...(input === undefined ? {} : { input }) });
    expect(result.code, result.tail).to.equal(0);
    outputs.push(result.stdout, result.tail);
    return result.stdout;
  };
  const start = async (args: string[]): Promise<DrawbridgeProcess> =>
    resources.use(await startCli([...args, "--json", ...LOUD], { home }));
  const enrol = async (kind: string, name: string, ...args: string[]): Promise<void> => {
    // The invite's own output is the one place where the code belongs.
    const { events } = await expectCli(["cloud", "invite", kind, name, "--json", ...LOUD], { home });
    const code = String(events[0]?.["code"]);
    codes.push(code);
    await run([kind, "enroll", "-", ...args], code);
    const again = await runCli([kind, "enroll", "-", "--replace", "--json", ...LOUD], { home, input: code });
    expect(again.code).to.equal(3);
    outputs.push(again.stdout, again.tail);
  };

  before(async () => {
    home = resources.use(await TemporaryFolder.create("secrets")).file("home");
    const target = resources.use(await TargetServer.start((socket) => socket.pipe(socket)));
    const address = `127.0.0.1:${await freePort()}`;
    await run(["cloud", "init", "--public-address", address]);
    const cloud = await start(["cloud", "run", "--listen", address]);
    await cloud.waitForEvent("ready");
    await enrol("tenant", "acme", "--target", target.named("rdp"));
    await enrol("operator", "maria");
    const tenant = await start(["tenant", "run"]);
    await tenant.waitForEvent("ready");
    const session = await start(["connect", "acme", "--client", "none", "--listen", "127.0.0.1:0"]);
    const { port } = await session.waitForEvent("listening");
    const client = await dialLoopback(Number(port));
    client.end("a secret that passes through");
    expect((await readAll(client)).toString()).to.equal("a secret that passes through");
    await session.waitForEvent("link-closed");
    for (const args of [["tenants"], ["tenants", "--json"], ["sessions", "--json"]]) await run(args);
    for (const command of [session, tenant, cloud]) await stopCli(command);
    for (const command of [session, tenant, cloud]) outputs.push(command.lines.join("\n"), command.child.tail());
    outputs.push(await run(["audit", "verify"]));
  });
  after(() => resources.disposeAsync());

  /** Each way in which a secret might be written. */
  const spellings = (secret: Buffer): string[] =>
    (["hex", "base64", "base64url"] as const).map((encoding) => secret.toString(encoding).replace(/=+$/, ""));

  const forbidden = async (): Promise<string[]> => {
    const secrets = codes.flatMap((code) => [code, ...spellings(Buffer.from(decodeInviteCode(code).secret.bytes()))]);
    for (const file of (await readdir(home, { recursive: true })).filter((name) => name.endsWith(".pem"))) {
      const pem = (await readFile(join(home, file))).toString();
      if (!pem.includes("PRIVATE KEY")) continue;
      const { d = "" } = createPrivateKey(pem).export({ format: "jwk" });
      secrets.push(...spellings(Buffer.from(d, "base64url")), pem.split("\n")[1] ?? "");
    }
    return secrets;
  };

  it("PEERS security 7: are no invite code and no private key in any output", async () => {
    const all = outputs.join("\n");
    expect(all).to.contain("link-opened");
    const secrets = await forbidden();
    expect(secrets.length).to.be.greaterThan(20);
    for (const secret of secrets) expect(all.includes(secret), `${secret.slice(0, 12)}… in an output`).to.equal(false);
  });

  it("PEERS security 6, 7: are no token and nothing else of 256 random bits in any log", () => {
    // Fingerprints and hashes are the only things of that size that are told, each under its own name.
    const told =
      /"(?:fingerprint|headHash|keyFingerprint|caFingerprint|hash|key)":"[^"]*"|SHA256:[A-Za-z0-9+/]{43}|Head: \w+/g;
    const rest = outputs.join("\n").replaceAll(told, "");
    expect(rest.match(/\b[0-9a-f]{64}\b/g), "hexadecimal").to.equal(null);
    expect(rest.match(/(?<![\w+/-])[\w+/-]{43}(?![\w+/-])/g)?.filter((text) => /[A-Z]/.test(text)) ?? []).to.deep.equal(
      [],
    );
  });

  it("are no payload bytes in any output", () => {
    expect(outputs.join("\n")).not.to.contain("a secret that passes through");
  });

  it("are no invite secret in the store, only its hash", async () => {
    const files = (await readdir(join(home, "cloud"))).filter((name) => name.startsWith("drawbridge.db"));
    for (const file of files) {
      const bytes = await readFile(join(home, "cloud", file));
      for (const code of codes) {
        const secret = Buffer.from(decodeInviteCode(code).secret.bytes());
        for (const form of [secret, Buffer.from(code), ...spellings(secret).map((text) => Buffer.from(text))]) {
          expect(bytes.includes(form), file).to.equal(false);
        }
      }
    }
  });
});
