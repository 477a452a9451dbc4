import { CloudBench } from "../control/cloud-bench.ts";
import { connect as connectTls } from "node:tls";
import { connect } from "node:net";
import { once } from "node:events";
const bench = await CloudBench.start();
const n = Number(process.argv[2] ?? 20);
const show = (l: string) => console.log(l, JSON.stringify(process.getActiveResourcesInfo().reduce((m: any, k) => ((m[k] = (m[k] ?? 0) + 1), m), {})));
const socks: any[] = [];
for (let i = 0; i < n; i++) { const s = connect({ host: "127.0.0.1", port: bench.port, localAddress: `127.9.1.${1 + (i >> 3)}` }); await once(s, "connect"); const t = connectTls({ socket: s, rejectUnauthorized: false, ALPNProtocols: ["h2"] }); t.on("error", () => {}); s.on("error",()=>{}); await Promise.race([once(t, "secureConnect"), once(t,"close")]); t.resume(); socks.push(t); }
show("opened " + socks.filter((s) => !s.destroyed).length);
await new Promise((r) => setTimeout(r, 500));
show("later " + socks.filter((s) => !s.destroyed).length);
const how = process.argv[3];
if (how === "destroy") { for (const t of socks) t.destroy(); await new Promise((r) => setTimeout(r, 500)); show("destroyed"); for (const h of (process as any)._getActiveHandles().slice(0,6)) console.log(h.constructor.name, h.destroyed, h.remotePort, h.localPort, bench.port, h.encrypted, h.allowHalfOpen, h.readableEnded, h.writableEnded); await new Promise((r) => setTimeout(r, 20000)); show("20 s later"); }
const t = performance.now();
await bench.stop();
show("stopped " + (performance.now() - t));
await new Promise((r) => setTimeout(r, 1000)); show("end"); 
for (const h of (process as any)._getActiveHandles()) console.log(h.constructor.name, h.destroyed, h.remotePort, h.remoteAddress, h.encrypted);
process.exit();
