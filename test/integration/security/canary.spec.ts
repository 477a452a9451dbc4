import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { decodeInviteCode, type EnrolledIdentity, InviteSecret } from "@drawbridge/control/identity";
import { watchTenants } from "@drawbridge/control/remote";
import { redeemInvite, serviceDefinition } from "@drawbridge/control/rpc";
import { encodePreface, Reach } from "@drawbridge/dataplane";
import { AdminService } from "@drawbridge/gen/drawbridge/v1/admin";
import { expect } from "chai";
import { closedOf, readBytes } from "../../support/dataplane-sockets.ts";
import { thrown } from "../../unit/identity/thrown.ts";
import type { CaughtLeg } from "./front.ts";
import { type BenchTenant, HostileBench } from "./hostile-bench.ts";

const OVER = { code: "closed", message: "the test is over" } as const;

/** Each way in which secret bytes might be written. */
function spellings(secret: Uint8Array): string[] {
  const bytes = Buffer.from(secret);
  const encoded = (["hex", "base64", "base64url", "latin1"] as const).map((encoding) => bytes.toString(encoding));
  return [...encoded.map((text) => text.replace(/=+$/, "")), bytes.join(","), bytes.toString("hex").toUpperCase()];
}

/** Anything as text, with bytes spelt out. */
function asText(value: unknown): string {
  const replacer = (_key: string, each: unknown): unknown => {
    if (each instanceof Uint8Array) return spellings(each);
    if (typeof each === "bigint") return String(each);
    return each instanceof Error ? [each.message, each.stack, each.cause] : each;
  };
  return JSON.stringify(value, replacer);
}

describe("PEERS security 6, 7: canaries, secrets that went through a running chain", () => {
  let bench: HostileBench;
  let root: EnrolledIdentity;
  let tenant: BenchTenant;
  const canaries = new Map<string, Uint8Array>();
  const told = new Map<string, string>();
  const { signal } = new AbortController();

  before(async () => {
    bench = await HostileBench.start();
    root = await bench.cloud.enrolOperator("root", "admin");
    const watched: unknown[] = [];
    const stop = new AbortController();
    const watching = watch(watched, stop.signal);
    await invites();
    await link();
    await collect(watched);
    stop.abort();
    await watching;
  });

  after(() => bench.stop());

  async function watch(events: unknown[], until: AbortSignal): Promise<void> {
    const channel = bench.cloud.channel(root);
    const tell = async (): Promise<void> => {
      for await (const event of watchTenants(channel, until)) events.push(event);
    };
    await tell().catch((error: unknown) => events.push(error));
  }

  /** A code that is redeemed, one that waits, and one that somebody tries with a wrong secret. */
  async function invites(): Promise<void> {
    const admin = bench.cloud.admin(root);
    for (const name of ["acme", "waiting"]) {
      const { code } = await admin.createInvite({ kind: "tenant", name, groups: [] }, signal);
      const invite = decodeInviteCode(code);
      canaries.set(`the invite code of ${name}`, Buffer.from(code));
      canaries.set(`the invite secret of ${name}`, invite.secret.bytes());
      if (name === "waiting") continue;
      const here = { ...invite, addresses: [bench.cloud.address] };
      const acme = await redeemInvite("tenant", here, new Reach());
      await thrown(() => redeemInvite("tenant", here, new Reach()));
      await thrown(() => redeemInvite("operator", here, new Reach()));
      const guess = InviteSecret.random();
      canaries.set("a guessed invite secret", guess.bytes());
      await thrown(() => redeemInvite("tenant", { ...here, secret: guess }, new Reach()));
      tenant = await bench.tenant({ ...acme, keyFingerprint: "" });
    }
  }

  /** A link whose tokens are seen on the way, and used a second time. */
  async function link(): Promise<void> {
    const remote = await bench.remote(await bench.cloud.enrolOperator("alice"));
    const client = await bench.client(remote);
    const [remoteLeg, tenantLeg] = await Promise.all([bench.remoteFront.nextLeg(), bench.tenantFront.nextLeg()]);
    canaries.set("the remote leg's token", remoteLeg.token.bytes);
    canaries.set("the tenant leg's token", tenantLeg.token.bytes);
    await Promise.all([remoteLeg, tenantLeg].map(passOn));
    const service = tenant.target.next();
    client.write("secret payload");
    canaries.set("what went through the link", Buffer.from("secret payload"));
    await readBytes(await service, 14);
    for (const leg of [remoteLeg, tenantLeg]) await closedOf(await dialWith(leg));
    told.set("an open session's entry", asText(await bench.cloud.admin(root).listSessions(signal)));
    client.destroy();
    await remote.redirector.stop(OVER);
  }

  async function dialWith({ token }: CaughtLeg): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port: bench.cloud.port, allowHalfOpen: true });
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(encodePreface(token));
    return socket;
  }

  async function passOn(leg: CaughtLeg): Promise<void> {
    const onward = await dialWith(leg);
    leg.socket.pipe(onward).pipe(leg.socket);
    leg.socket.once("close", () => onward.destroy());
  }

  async function collect(watched: unknown[]): Promise<void> {
    const { cloud } = bench;
    const admin = cloud.admin(root);
    const records: unknown[] = [];
    for await (const record of admin.readAudit({ follow: false }, signal)) records.push(record);
    const calls = cloud.channel(root).client(serviceDefinition(AdminService));
    const lists = [await calls.listTenants({}), await calls.listSessions({}), await calls.listOperators({})];
    told.set("a list", asText(lists));
    told.set("a watch", asText(watched));
    told.set("the audit log", asText(records));
    told.set("the cloud redirector's log", asText(cloud.log));
    told.set("the redirectors' logs and events", asText(bench.told));
    const files = (await readdir(cloud.path)).filter((name) => name.startsWith("drawbridge.db"));
    const store = await Promise.all(files.map((file) => readFile(join(cloud.path, file))));
    told.set("the store", Buffer.concat(store).toString("latin1"));
  }

  it("have gone through, and what was told of them is there to be looked at", () => {
    expect([...canaries.keys()]).to.have.length(8);
    expect(told.get("an open session's entry")).to.include('"state":"open"');
    for (const name of ["a list", "a watch", "the audit log", "the cloud redirector's log", "the store"]) {
      expect(told.get(name), name).to.include("acme");
    }
    expect(told.get("the cloud redirector's log")).to.include("the handshake token");
    expect(told.get("the redirectors' logs and events")).to.include("connected");
  });

  it("are in no list, event, log at the finest level, audit record or store", () => {
    for (const [canary, secret] of canaries) {
      for (const [where, text] of told) {
        for (const spelling of spellings(secret))
          expect(text.includes(spelling), `${canary} in ${where}`).to.equal(false);
      }
    }
  });
});
