import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect } from "chai";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { CloudBench } from "../control/cloud-bench.ts";
import { runDoctor, writeHome } from "./doctor-run.ts";

/** A proxy on loopback that tunnels to any port of 127.0.0.1, or answers with this status. */
async function startProxy(status = 200): Promise<Server> {
  const proxy = createServer();
  proxy.on("connect", ({ url = "" }, socket: Socket, head: Buffer) => {
    socket.on("error", () => {});
    if (status !== 200) return void socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    const onward = connect({ host: "127.0.0.1", port: Number(url.split(":").at(-1)) });
    onward
      .on("error", () => socket.destroy())
      .on("connect", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        onward.write(head);
        socket.pipe(onward).pipe(socket);
      });
    socket.on("close", () => onward.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return proxy;
}

const urlOf = (proxy: Server): string => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

describe("drawbridge doctor, behind a proxy", function () {
  this.timeout(60_000);
  let bench: CloudBench;
  let folder: TemporaryFolder;
  const NAME = "cloud.of.the.provider.invalid";

  before(async () => {
    folder = await TemporaryFolder.create("doctor-proxy");
    bench = await CloudBench.start();
    await writeHome(folder.path, await bench.enrolOperator("olga"), [`${NAME}:${bench.port}`]);
  });
  after(async () => {
    await bench[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const examined = (proxy: string) => runDoctor(folder.path, [], { HTTPS_PROXY: proxy, NO_PROXY: "" });

  it("finds the way through it, by a name that only the proxy knows", async () => {
    const proxy = await startProxy();
    const url = urlOf(proxy);
    const { code, step, summary } = await examined(url);
    proxy.close();
    proxy.closeAllConnections();
    expect(step("network")["text"]).to.match(/from HTTPS_PROXY/);
    expect(step("proxy")).to.deep.include({ outcome: "ok", proxy: url });
    expect(["tcp", "tls", "grpc", "leg"].map((name) => step(name)["outcome"])).to.deep.equal(["ok", "ok", "ok", "ok"]);
    expect(code, JSON.stringify(summary)).to.equal(0);
  });

  it("names a proxy that does not run", async () => {
    const { code, summary } = await examined(`http://127.0.0.1:${await freePort()}`);
    expect(code).to.equal(4);
    expect(summary["first"]).to.deep.include({ step: "proxy", code: "dial-failed" });
  });

  it("names a proxy that wants a password, and never prints one", async () => {
    const proxy = await startProxy(407);
    const { code, steps, summary } = await examined(urlOf(proxy).replace("//", "//user:sesame@"));
    proxy.close();
    proxy.closeAllConnections();
    expect(summary["first"]).to.have.property("step", "tcp");
    expect(code).to.be.oneOf([3, 4]);
    expect(JSON.stringify(steps)).to.not.include("sesame");
  });
});
