import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { capture, colourAt, differentPixels, MARK_COLOUR, type Picture } from "../../scripts/demo/desktop/picture.ts";
import { VirtualDisplay } from "../../scripts/demo/desktop/virtual-display.ts";
import { until } from "../../scripts/demo/until.ts";
import { startCli, stopCli } from "../support/cli.ts";
import { peerSuite } from "../support/peer-suite.ts";
import { desktopSuite } from "./desktop-suite.ts";
import { TenantDesktop } from "./tenant-desktop.ts";

desktopSuite("the RDP clients that connect starts", () => {
  let desktop: TenantDesktop;

  before(async () => {
    desktop = await TenantDesktop.start("tls");
  });
  after(() => desktop.stop());

  const connect = (display: VirtualDisplay, client: string, args: readonly string[]) =>
    startCli(["connect", desktop.chain.tenantName, "--client", client, "--user", "ada", "--json", ...args], {
      home: desktop.chain.operatorHome,
      env: display.environment,
    });

  it("xfreerdp takes the certificate that was seen at the tenant, without a question", async () => {
    await using display = await VirtualDisplay.start();
    const args = ["--size", "800x600", "--client-arg", "-gfx"];
    await using session = await connect(display, "xfreerdp", args);
    await until(async () => differentPixels(await capture(display), TenantDesktop.picture) === 0 || undefined, {
      what: "the desktop's picture",
      timeoutMs: 60_000,
    });
    const checked = await session.waitForEvent("target-checked");
    expect(checked["certificate"]).to.have.property("fingerprint");
    await stopCli(session);
  });

  it("xfreerdp refuses every other certificate", async () => {
    await using display = await VirtualDisplay.start();
    const wrong = "/cert:deny,fingerprint:sha256:00:11";
    await using session = await connect(display, "xfreerdp", ["--client-arg", wrong]);
    await session.ended();
    expect(session.child.tail()).to.match(/denying|TLS_CONNECT_FAILED/);
    expect(session.events.some(({ event }) => event === "session-ended")).to.equal(true);
  });

  peerSuite("Remmina", ["remmina"], () => {
    it("shows the desktop without a question, because the certificate that was seen stands where it looks", async () => {
      await using display = await VirtualDisplay.start({ size: { width: 1024, height: 768 } });
      await using session = await connect(display, "remmina", ["--no-clipboard"]);
      const { certificate } = await session.waitForEvent("target-checked");
      await until(async () => holdsMark(await capture(display)) || undefined, {
        what: "the desktop in Remmina",
        timeoutMs: 120_000,
        intervalMs: 500,
      });
      expect(session.child.tail()).to.match(/If remmina asks about the server's certificate: .*SHA-256 [0-9a-f:]{95}/);
      const known = await readFile(`${display.environment["HOME"] ?? ""}/.config/freerdp/known_hosts2`, "utf8");
      expect(known).to.contain((certificate as { fingerprint: string }).fingerprint);
      await stopCli(session);
      expect(session.child.tail()).to.contain("A window of remmina may still be open");
    });
  });
});

/** How far a colour may be off: Remmina asks for fewer colours than the picture has. */
const TOLERANCE = 16;

/** Whether the known picture's mark is somewhere on the screen, at about its own size. */
function holdsMark(picture: Picture): boolean {
  const isMark = (x: number, y: number): boolean =>
    colourAt(picture, x, y).every((value, channel) => Math.abs(value - (MARK_COLOUR[channel] ?? 0)) <= TOLERANCE);
  for (let y = 0; y < picture.size.height; y += 16) {
    for (let x = 0; x < picture.size.width; x += 16) {
      if (isMark(x, y) && isMark(x + 16, y) && isMark(x, y + 16)) return true;
    }
  }
  return false;
}
