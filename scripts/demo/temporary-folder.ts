import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that only this user can read, and that is gone after its disposal. */
export class TemporaryFolder implements AsyncDisposable {
  readonly path: string;

  /** Makes a folder with mode 0700 (mkdtemp(3)) below the platform's temporary folder. */
  static async create(purpose: string): Promise<TemporaryFolder> {
    return new TemporaryFolder(await mkdtemp(join(tmpdir(), `drawbridge-${purpose}-`)));
  }

  private constructor(path: string) {
    this.path = path;
  }

  /** The path of a file in the folder. */
  file(name: string): string {
    return join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
