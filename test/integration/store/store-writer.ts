// A process of its own for processes.spec.ts: opens the store, then writes, and prints a line for each write that was
// acknowledged. Arguments: the file, a name, and how many writes (0: until killed).
import { openSqliteStore } from "@drawbridge/control/store";

const [path = "", name = "", wanted = "0"] = process.argv.slice(2);
const store = await openSqliteStore(path);
const limit = Number(wanted) === 0 ? Infinity : Number(wanted);
for (let count = 1; count <= limit; count += 1) {
  const { sequence } = await store.audit.append("session-opened", { tenant: name, details: { count } }, Date.now());
  const epoch = await store.principals.nextEpoch(name);
  await new Promise<void>((resolve) => process.stdout.write(`${sequence} ${epoch}\n`, () => resolve()));
}
await store.close();
