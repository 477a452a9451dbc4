import { readFile } from "node:fs/promises";

import { expect } from "chai";

import { openTerminal } from "../../scripts/demo/desktop/terminal.ts";
import { differentPixels } from "../../scripts/demo/desktop/picture.ts";
import { movePointer, pressKey, typeText } from "../../scripts/demo/desktop/typing.ts";
import { TemporaryFolder } from "../../scripts/demo/temporary-folder.ts";
import { until } from "../../scripts/demo/until.ts";
import { openSession } from "../support/chain.ts";
import { stopCli } from "../support/cli.ts";
import { desktopSuite } from "./desktop-suite.ts";
import { expectKnownPicture, TenantDesktop } from "./tenant-desktop.ts";

const TEXT = "Lower the bridge, 42 times!";
/** Where the terminal stands on the server's screen, and a place inside of it. */
const TERMINAL = { geometry: "80x20+100+100", x: 300, y: 200 };

for (const security of ["tls", "nla"] as const) {
  desktopSuite(`one logon with ${security.toUpperCase()} through the whole chain`, () => {
    let desktop: TenantDesktop;

    before(async () => {
      desktop = await TenantDesktop.start(security);
    });
    after(() => desktop.stop());

    it("brings the desktop's picture with no pixel different", async () => {
      await using session = await openSession(desktop.chain);
      await using client = await desktop.logOn(session.address);
      await expectKnownPicture(client);
    });

    it("carries typed text to the server", async () => {
      await using folder = await TemporaryFolder.create("typed");
      await using session = await openSession(desktop.chain);
      await using client = await desktop.logOn(session.address);
      await expectKnownPicture(client);

      const script = `read -r line; printf %s "$line" > ${folder.file("text")}; read -r end`;
      const command = ["/bin/sh", "-c", script];
      await using terminal = await openTerminal(desktop.display, { ...TERMINAL, title: "typing", command });
      await client.drawn((picture) => differentPixels(picture, TenantDesktop.picture) > 50_000);
      await movePointer(client.display!, TERMINAL.x, TERMINAL.y);
      await typeText(client.display!, TEXT);
      await pressKey(client.display!, "Return");

      const typed = await until(() => readIfThere(folder.file("text")), { what: "the typed text" });
      expect(typed).to.equal(TEXT);
      expect(terminal.exit, "the terminal still runs").to.equal(undefined);
    });

    it("reports the bytes of both directions when the session ends", async () => {
      await using session = await openSession(desktop.chain);
      const client = await desktop.logOn(session.address);
      await expectKnownPicture(client);
      await client[Symbol.asyncDispose]();
      await session.process.waitForEvent("link-closed");
      await stopCli(session.process);
      const ended = await session.process.waitForEvent("session-ended");
      expect(ended).to.include({ code: "closed" });
      expect(ended["toTenant"]).to.be.greaterThan(1_000);
      expect(ended["toRemote"]).to.be.greaterThan(10_000);
    });

    if (security === "nla") {
      it("leaves the refusal of a wrong password to the server", async () => {
        await using session = await openSession(desktop.chain);
        await using client = await desktop.logOn(session.address, { ...desktop.credentials, password: "wrong" });
        const { code } = await client.child.exited;
        expect(code).to.not.equal(0);
        expect(client.child.tail()).to.match(/LOGON_FAILURE|AUTHENTICATION_FAILED|CONNECT_TRANSPORT_FAILED/);
      });
    }
  });
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}
