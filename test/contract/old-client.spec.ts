import type { Socket } from "node:net";
import { expect } from "chai";
import { type Chain, startChain, stopChain } from "../support/chain.ts";
import { startCli, stopCli } from "../support/cli.ts";
import { dialLoopback } from "../support/dataplane-sockets.ts";
import { expectBulkUnaltered } from "../integration/cli/bulk.ts";
import { TargetServer } from "../integration/cli/target-server.ts";
import { OldContract } from "./old-contract.ts";
import { enrol, type OldIdentity } from "./old-identity.ts";
import { OldOperator, OldTenant } from "./old-peers.ts";

const MB = 1024 * 1024;

for (const contract of OldContract.all()) {
  describe(`clients of ${contract.release}, against what there is today`, function () {
    this.timeout(60_000);
    const resources = new AsyncDisposableStack();
    let chain: Chain;
    let target: TargetServer;
    let onAccepted: (socket: Socket) => void;
    let operator: OldIdentity;
    let tenant: OldIdentity;

    before(async () => {
      target = resources.use(await TargetServer.start((socket) => onAccepted(socket)));
      // The provider's own list of gateways is told in fields that the first release's contract has not.
      const cloudSettings = { gateways: [] as string[] };
      const publicFront = async (address: string): Promise<string> => (cloudSettings.gateways = [address])[0]!;
      chain = await startChain([target.named("rdp")], { cloudSettings, publicFront });
      operator = await enrol(contract, await invite("operator", "olga"), "PRINCIPAL_KIND_OPERATOR");
      tenant = await enrol(contract, await invite("tenant", "attic"), "PRINCIPAL_KIND_TENANT");
    });
    after(async () => {
      await resources.disposeAsync();
      await stopChain(chain);
    });

    async function invite(kind: string, name: string): Promise<string> {
      const { events } = await chain.cloud(["cloud", "invite", kind, name, "--json"]);
      return String(events[0]?.["code"]);
    }

    /** Bytes both ways at once; each side ends alone. */
    async function carriesUnaltered(near: Socket, accepted: Promise<Socket>): Promise<void> {
      await expectBulkUnaltered(near, await accepted, 2 * MB);
    }

    const nextAccepted = (): Promise<Socket> => new Promise((resolve) => (onAccepted = resolve));
    const targetPort = (): number => Number(target.named("").split(":")[1]);

    it("enrol by an invite code, with a key of their own", () => {
      expect(operator).to.include({ name: "olga", provider: "demo", address: chain.address });
      expect(tenant).to.include({ name: "attic", provider: "demo" });
    });

    it("an operator watches the registry, opens a session and carries bytes through today's tenant redirector", async () => {
      using client = new OldOperator(contract, operator);
      const registry = client.watch();
      const { tenants } = (await registry.next("snapshot")) as { tenants: { name: string; state: string }[] };
      expect(tenants.find(({ name }) => name === "acme")).to.include({ state: "TENANT_STATE_ONLINE" });

      const session = await client.open("acme", "rdp");
      expect(await registry.next("changed")).to.include({ name: "acme", openSessions: 1 });
      const accepted = nextAccepted();
      const near = await session.link();
      await carriesUnaltered(near, accepted);
      expect((await session.stream.next("linkEnded"))["reason"]).to.include({ code: "closed" });
      expect((await session.end())["reason"]).to.include({ code: "closed" });
      expect(session.stream.unknownBytes, "of fields that came later").to.be.above(0);
      near.destroy();
      registry.cancel();
    });

    it("an operator is told in words that it knows why it is refused", async () => {
      using client = new OldOperator(contract, operator);
      const refused = await client.channel
        .unary("AdminService", "EndSession", { sessionId: "s-none" })
        .then(() => undefined)
        .catch((error: unknown) => error as { code: number; details: string });
      expect(refused).to.include({ code: 5 });
      expect(refused?.details).to.contain("s-none");
    });

    it("a tenant redirector answers today's operator, who asks for what it does not know, and serves its links", async () => {
      using client = new OldTenant(contract, tenant);
      expect(await client.hello("rdp")).to.include({ tenant: "attic", provider: "demo" });
      expect(client.stream.unknownBytes, "of fields that came later").to.be.above(0);
      // Links ahead are what `connect` asks for anyhow.
      const command = ["connect", "attic", "--plain", "--client", "none", "--json", "--listen", "127.0.0.1:0"];
      await using open = await startCli(command, { home: chain.operatorHome });
      const { unknownBytes } = client.stream;
      const offer = await client.accept();
      expect(client.stream.unknownBytes, "of an offer that asks for plain links").to.be.above(unknownBytes);
      expect(offer).to.include({ operator: "alice", target: "rdp" });
      const { port } = await open.waitForEvent("listening");
      expect(await open.waitForEvent("session-opened")).to.include({ plain: false });

      const accepted = nextAccepted();
      const near = await dialLoopback(Number(port));
      await client.serve(offer, targetPort());
      await carriesUnaltered(near, accepted);
      const closed = client.stream.next("sessionClose");
      await stopCli(open);
      expect((await closed)["reason"]).to.include({ code: "closed" });
      await client.goodbye();
    });

    it("both work with each other through today's cloud redirector", async () => {
      using tenantSide = new OldTenant(contract, tenant);
      await tenantSide.hello("rdp");
      using client = new OldOperator(contract, operator);
      const [session, offer] = await Promise.all([client.open("attic", "rdp"), tenantSide.accept()]);
      const accepted = nextAccepted();
      const [near] = await Promise.all([session.link(), tenantSide.serve(offer, targetPort())]);
      await carriesUnaltered(near, accepted);
      expect((await session.stream.next("linkEnded"))["reason"]).to.include({ code: "closed" });
      await session.end();
      await tenantSide.stream.next("sessionClose");
      await tenantSide.goodbye();
      near.destroy();
    });
  });
}
