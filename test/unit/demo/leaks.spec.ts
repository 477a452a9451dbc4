import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { leakedSince, resourcesNow } from "../../support/leaks.ts";

describe("the check for leaks that closes the test run", () => {
  it("sees a server and both ends of a connection, and their end", async () => {
    const before = resourcesNow();
    const server = createServer((socket) => socket.on("error", () => undefined));
    server.listen({ host: "127.0.0.1", port: 0 });
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, "connection");
    const socket = connect({ host: "127.0.0.1", port });
    await accepted;

    const leaks = leakedSince(before);
    expect(leaks.filter((leak) => leak === "TCPServerWrap")).to.have.length(1);
    expect(leaks.filter((leak) => leak === "TCPSocketWrap")).to.have.length(2);
    expect(leaks.join("\n")).to.include(`port: ${port}`);

    socket.destroy();
    server.close();
    await once(server, "close");
    expect(leakedSince(before).filter((leak) => leak.startsWith("TCPServer"))).to.deep.equal([]);
  });

  it("sees a timer and its end", () => {
    const before = resourcesNow();
    const timer = setInterval(() => undefined, 60_000);
    expect(leakedSince(before)).to.deep.equal(["Timeout"]);
    clearInterval(timer);
    expect(leakedSince(before)).to.deep.equal([]);
  });

  it("sees a child process, also one that nobody waits for", async function () {
    if (process.platform !== "linux") this.skip();
    const before = resourcesNow();
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    await once(child, "spawn");
    child.unref();
    expect(leakedSince(before).join("\n")).to.match(new RegExp(`child process ${child.pid!} `));
    child.ref();
    child.kill();
    await once(child, "exit");
    expect(leakedSince(before).filter((leak) => leak.startsWith("child process"))).to.deep.equal([]);
  });
});
