import { createServer } from "node:net";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/*
 * Loaded into the processes under test by `probed` (process-resources.ts). Tells what the process holds to whoever
 * connects to its socket; its own socket is unref'd and so keeps nothing alive.
 */
const folder = process.env["DRAWBRIDGE_TEST_PROBE"];
if (folder !== undefined) {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    collect();
    // What finalizers let go is only collected the second time.
    setImmediate(() => {
      collect();
      const { rss, heapUsed, external } = process.memoryUsage();
      socket.end(JSON.stringify({ rss, heapUsed, external, kinds: process.getActiveResourcesInfo() }));
    });
  });
  server.on("error", () => {});
  server.listen(join(folder, `${process.pid}`)).unref();
}
