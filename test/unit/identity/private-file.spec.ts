import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ensurePrivateFile,
  fromFileError,
  makePrivateDirectory,
  readPrivateFile,
  writePrivateFile,
} from "@drawbridge/control/identity";
import { expect } from "chai";
import { thrown } from "./thrown.ts";

const mode = (path: string): number => statSync(path).mode & 0o777;

describe("private file", () => {
  let home: string;
  let umask: number;

  beforeEach(() => {
    umask = process.umask(0);
    home = mkdtempSync(join(tmpdir(), "drawbridge-private-file-"));
  });

  afterEach(() => {
    process.umask(umask);
    rmSync(home, { recursive: true, force: true });
  });

  const posix = process.platform === "win32" ? it.skip : it;

  posix("is readable by its owner only, with a umask that hides nothing", async () => {
    const path = join(home, "key.pem");
    await writePrivateFile(path, "secret");
    expect(mode(path)).to.equal(0o600);
    expect((await readPrivateFile(path)).toString()).to.equal("secret");
  });

  posix("keeps its mode with a umask that hides too much", async () => {
    process.umask(0o777);
    const path = join(home, "key.pem");
    await writePrivateFile(path, "secret");
    process.umask(0);
    expect(mode(path)).to.equal(0o600);
  });

  posix("is never readable by others, not even under its temporary name", async () => {
    const seen = new Set<number>();
    const look = (): void => {
      for (const name of readdirSync(home)) {
        const stats = statSync(join(home, name), { throwIfNoEntry: false });
        if (stats !== undefined) seen.add(stats.mode & 0o777);
      }
    };
    const watcher = watch(home, look);
    for (let round = 0; round < 20; round += 1) {
      const writing = writePrivateFile(join(home, `key-${round}.pem`), Buffer.alloc(100_000));
      look();
      await writing;
    }
    watcher.close();
    look();
    expect([...seen]).to.deep.equal([0o600]);
  });

  it("replaces the file that is there as a whole, and leaves nothing else behind", async () => {
    const path = join(home, "state.json");
    await writePrivateFile(path, "a long first text");
    await writePrivateFile(path, "second");
    expect(readFileSync(path, "utf8")).to.equal("second");
    expect(readdirSync(home)).to.deep.equal(["state.json"]);
  });

  posix("replaces an exposed file by a private one", async () => {
    const path = join(home, "key.pem");
    writeFileSync(path, "old", { mode: 0o644 });
    await writePrivateFile(path, "new");
    expect(mode(path)).to.equal(0o600);
  });

  it("is not replaced when the writer wants a new one", async () => {
    const path = join(home, "ca.key");
    await writePrivateFile(path, "first", { exclusive: true });
    const error = await thrown(() => writePrivateFile(path, "second", { exclusive: true }));
    expect(error.code).to.equal("home-exists");
    expect(error.message).to.contain(path);
    expect(readFileSync(path, "utf8")).to.equal("first");
    expect(readdirSync(home)).to.deep.equal(["ca.key"]);
  });

  posix("of two that want to make it new at once, one does", async () => {
    const path = join(home, "ca.key");
    const write = (text: string): Promise<void> => writePrivateFile(path, text, { exclusive: true });
    const outcomes = await Promise.allSettled([write("a"), write("b"), write("c")]);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).to.have.length(1);
  });

  for (const exposed of [0o640, 0o604, 0o620, 0o602, 0o644, 0o777]) {
    posix(`is not read with the mode ${exposed.toString(8)}, and the remedy is the chmod`, async () => {
      const path = join(home, "it's a key.pem");
      await writePrivateFile(path, "secret");
      chmodSync(path, exposed);
      const error = await thrown(() => readPrivateFile(path));
      expect(error.code).to.equal("home-invalid");
      expect(error.message).to.contain(path).and.to.contain(exposed.toString(8));
      expect(error.remedy).to.equal(`Run: chmod 600 '${home}/it'\\''s a key.pem'`);
    });
  }

  it("says which file is not there", async () => {
    const error = await thrown(() => readPrivateFile(join(home, "key.pem")));
    expect(error.code).to.equal("home-missing");
    expect(error.message).to.equal(`${join(home, "key.pem")} is not there`);
  });

  it("says which directory is not there", async () => {
    expect((await thrown(() => writePrivateFile(join(home, "no", "key.pem"), ""))).code).to.equal("home-missing");
  });

  it("is not a directory, and not larger than a key or certificate can be", async () => {
    expect((await thrown(() => readPrivateFile(home))).code).to.equal("home-invalid");
    await writePrivateFile(join(home, "large"), Buffer.alloc(1024 * 1024 + 1));
    expect((await thrown(() => readPrivateFile(join(home, "large")))).message).to.contain("too large");
  });

  posix("lies in a directory that only its owner may enter", async () => {
    const directory = join(home, "a", "b");
    await makePrivateDirectory(directory);
    await makePrivateDirectory(directory);
    expect([mode(directory), mode(join(home, "a"))]).to.deep.equal([0o700, 0o700]);
  });

  posix("lies in a directory of which others make a part at the same time, or all of it", async () => {
    const paths = ["a/b/c", "a/b/d", "a/b/c", "a", "a/b"].map((path) => join(home, path));
    await Promise.all(paths.map(makePrivateDirectory));
    expect(paths.map(mode)).to.deep.equal(paths.map(() => 0o700));
  });

  const linux = process.platform === "linux" ? it : it.skip;

  linux("cannot lie where the file system takes no directories, and that is told, not tried for ever", async () => {
    expect((await thrown(() => makePrivateDirectory("/proc/drawbridge/home"))).code).to.equal("home-missing");
  });

  it("cannot lie below a file", async () => {
    writeFileSync(join(home, "file"), "");
    expect((await thrown(() => makePrivateDirectory(join(home, "file", "b")))).code).to.equal("home-invalid");
  });

  posix("is made empty and private for a database, and an exposed one is refused", async () => {
    const path = join(home, "store.db");
    await ensurePrivateFile(path);
    expect(mode(path)).to.equal(0o600);
    writeFileSync(path, "kept");
    await ensurePrivateFile(path);
    expect(readFileSync(path, "utf8")).to.equal("kept");
    chmodSync(path, 0o644);
    expect((await thrown(() => ensurePrivateFile(path))).remedy).to.equal(`Run: chmod 600 ${path}`);
  });

  for (const [errno, code, text] of [
    ["ENOSPC", "limit-exceeded", "the disk is full"],
    ["EACCES", "home-invalid", "by this user"],
    ["EROFS", "home-invalid", "read-only"],
    ["EWEIRD", "home-invalid", "EWEIRD"],
  ] as const) {
    it(`translates ${errno} into a text with the path and what to do`, () => {
      const error = fromFileError(Object.assign(new Error("x"), { code: errno }), "/home/ann/key.pem");
      expect(error.code).to.equal(code);
      expect(error.message).to.contain("/home/ann/key.pem").and.to.contain(text);
      expect(error.remedy).to.not.equal("");
    });
  }
});
