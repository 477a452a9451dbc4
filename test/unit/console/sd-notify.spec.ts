import { expect } from "chai";
import { ServiceNotifier } from "../../../packages/console-cli/src/sd-notify.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const WATCHDOG_MS = 60_000;

/** A service manager that takes every message, or none. */
class FakeManager {
  readonly messages: (readonly string[])[] = [];
  readonly warnings: string[] = [];
  readonly clock = new FakeClock();
  readonly log = { warn: (_record: object, text: string) => void this.warnings.push(text) };
  readonly send: (lines: readonly string[]) => Promise<void>;

  constructor(answer: () => Promise<void> = () => Promise.resolve()) {
    this.send = (lines) => {
      this.messages.push(lines);
      return answer();
    };
  }

  notifier(watchdogMs?: number): ServiceNotifier {
    const { send, log, clock } = this;
    return new ServiceNotifier({ send, log, clock, watchdogMs });
  }

  /** The messages, once all that was said has arrived. */
  async heard(notifier: ServiceNotifier): Promise<(readonly string[])[]> {
    await notifier.close();
    return this.messages;
  }
}

describe("ServiceNotifier", () => {
  it("says ready with the status, then that it is alive at half of what the watchdog asks", async () => {
    const manager = new FakeManager();
    const notifier = manager.notifier(WATCHDOG_MS);
    manager.clock.advance(WATCHDOG_MS);
    notifier.ready(() => ({ status: "listens" }));
    manager.clock.advance(WATCHDOG_MS);
    expect(await manager.heard(notifier)).to.deep.equal([
      ["READY=1", "STATUS=listens"],
      ["WATCHDOG=1"],
      ["WATCHDOG=1"],
    ]);
  });

  it("says nothing to the watchdog while it is not healthy", async () => {
    const manager = new FakeManager();
    const notifier = manager.notifier(WATCHDOG_MS);
    let healthy = true;
    notifier.ready(() => ({ status: healthy ? "well" : "stuck", healthy }));
    healthy = false;
    manager.clock.advance(WATCHDOG_MS);
    healthy = true;
    manager.clock.advance(WATCHDOG_MS / 2);
    const after = (await manager.heard(notifier)).slice(1);
    expect(after).to.deep.equal([["STATUS=stuck"], ["WATCHDOG=1", "STATUS=well"]]);
  });

  it("tells a status again only when it has changed, at once where it is asked to", async () => {
    const manager = new FakeManager();
    const notifier = manager.notifier();
    let status = "not connected";
    notifier.ready(() => ({ status }));
    notifier.refresh();
    status = "connected";
    notifier.refresh();
    manager.clock.advance(120_000);
    status = "lost";
    manager.clock.advance(30_000);
    expect((await manager.heard(notifier)).slice(1)).to.deep.equal([["STATUS=connected"], ["STATUS=lost"]]);
  });

  it("says that it reloads, since when, and that it is ready again", async () => {
    const manager = new FakeManager();
    const notifier = manager.notifier();
    notifier.ready(() => ({ status: "listens" }));
    notifier.reloading();
    notifier.reloaded();
    const [, reloading, reloaded] = await manager.heard(notifier);
    expect(reloading?.[0]).to.equal("RELOADING=1");
    expect(reloading?.[1]).to.match(/^MONOTONIC_USEC=\d{6,}$/);
    expect(reloaded).to.deep.equal(["READY=1"]);
  });

  it("says once that it stops, and asks for the time that it needs", async () => {
    const manager = new FakeManager();
    const notifier = manager.notifier();
    notifier.ready(() => ({ status: "listens" }));
    notifier.stopping();
    notifier.stopping();
    notifier.stopping(90_000);
    notifier.reloading();
    notifier.reloaded();
    const after = (await manager.heard(notifier)).slice(1);
    expect(after).to.deep.equal([["STOPPING=1"], ["EXTEND_TIMEOUT_USEC=90000000"]]);
  });

  it("says nothing before it is ready and after it is closed, and leaves no timer", async () => {
    const manager = new FakeManager();
    const notifier = manager.notifier(WATCHDOG_MS);
    notifier.stopping();
    notifier.reloading();
    notifier.reloaded();
    notifier.refresh();
    expect(manager.messages).to.deep.equal([]);
    notifier.ready(() => ({ status: "" }));
    await notifier.close();
    notifier.stopping();
    manager.clock.advance(WATCHDOG_MS);
    expect(manager.messages).to.deep.equal([["READY=1"]]);
    expect(manager.clock.pending).to.equal(0);
  });

  it("keeps a status to one line, so that nobody's text becomes a message of its own", async () => {
    const manager = new FakeManager();
    const notifier = manager.notifier();
    notifier.ready(() => ({ status: `evil\nMAINPID=1\0${"x".repeat(1_000)}` }));
    const [[, status = ""] = []] = await manager.heard(notifier);
    expect(status).to.match(/^STATUS=evil\\nMAINPID=1\\x00x+$/);
    expect(status.length).to.be.below(320);
  });

  it("warns once where nothing can be told, and goes on", async () => {
    const manager = new FakeManager(() => Promise.reject(new Error("spawn systemd-notify ENOENT")));
    const notifier = manager.notifier(WATCHDOG_MS);
    notifier.ready(() => ({ status: "listens" }));
    manager.clock.advance(WATCHDOG_MS);
    expect(await manager.heard(notifier)).to.have.length(3);
    expect(manager.warnings).to.deep.equal(["the service manager cannot be told: spawn systemd-notify ENOENT"]);
  });

  it("lets no more than a few messages wait for a service manager that takes none", async () => {
    const held = Promise.withResolvers<undefined>();
    const manager = new FakeManager(() => held.promise);
    const notifier = manager.notifier(WATCHDOG_MS);
    notifier.ready(() => ({ status: "listens" }));
    manager.clock.advance(100 * WATCHDOG_MS);
    held.resolve(undefined);
    expect(await manager.heard(notifier)).to.have.length(16);
  });

  it("is closed in time though the service manager takes nothing", async () => {
    const manager = new FakeManager(() => new Promise(() => {}));
    const notifier = manager.notifier();
    notifier.ready(() => ({ status: "listens" }));
    const closed = notifier.close();
    manager.clock.advance(10_000);
    await closed;
    expect(manager.clock.pending).to.equal(0);
  });

  it("is silent, and sets no timer, where there is no service manager", () => {
    const clock = new FakeClock();
    const notifier = new ServiceNotifier({ clock, watchdogMs: WATCHDOG_MS, log: { warn: () => {} } });
    notifier.ready(() => ({ status: "listens" }));
    expect(clock.pending).to.equal(0);
  });
});
