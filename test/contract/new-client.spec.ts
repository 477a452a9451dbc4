import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { TemporaryFolder } from "../../scripts/demo/temporary-folder.ts";
import { type Chain, startChain, stopChain } from "../support/chain.ts";
import { expectCli } from "../support/cli.ts";
import { OldContract } from "./old-contract.ts";
import { OldServer } from "./old-server.ts";

for (const contract of OldContract.all()) {
  describe(`today's console, against a server of ${contract.release}`, function () {
    this.timeout(60_000);
    const resources = new AsyncDisposableStack();
    let chain: Chain;
    let home: string;

    before(async () => {
      chain = await startChain(["rdp=127.0.0.1:9"]);
      const folder = resources.use(await TemporaryFolder.create("new-client"));
      home = folder.file("operator");
      await cp(chain.operatorHome, home, { recursive: true });
      const [key, authorities] = await Promise.all([
        readFile(join(chain.cloudHome, "cloud", "server.pem"), "utf8"),
        readFile(join(home, "operator", "authorities.pem"), "utf8"),
      ]);
      // One file holds both.
      const tls = { key, certificate: key, authorities };
      const tenant = { name: "acme", state: "TENANT_STATE_ONLINE" };
      const session = { id: "s-1", operator: "olga", tenant: "acme", target: "rdp", state: "SESSION_STATE_OPEN" };
      const server = resources.use(
        await OldServer.start(contract, tls, {
          "AdminService/ListTenants": { tenants: [tenant] },
          "AdminService/ListSessions": { sessions: [session] },
          "EnrollmentService/Renew": {},
        }),
      );
      const file = join(home, "operator", "identity.json");
      const identity = JSON.parse(await readFile(file, "utf8")) as object;
      await writeFile(file, JSON.stringify({ ...identity, addresses: [server.address] }));
    });
    after(async () => {
      await resources.disposeAsync();
      await stopChain(chain);
    });

    it("`whoami` goes on without role and groups, and says why", async () => {
      const { events } = await expectCli(["whoami", "--json"], { home });
      expect(events[0]).to.include({ event: "whoami", operator: "alice", server: "confirmed", tenants: 1 });
      expect(events[0]).to.not.have.any.keys("role", "groups");
      const { stdout } = await expectCli(["whoami"], { home });
      expect(stdout).to.match(/^the provider: +knows you .*older than this console.* role and groups/m);
      expect(stdout).to.not.match(/^role:/m);
    });

    it("`sessions` takes links for encrypted, as they were", async () => {
      const { events } = await expectCli(["sessions", "--json"], { home });
      expect(events[0]).to.include({ id: "s-1", state: "open", plain: false });
    });
  });
}
