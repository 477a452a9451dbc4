import { mkdir, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { Child } from "../../../scripts/demo/child.ts";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { findProgram } from "../../../scripts/demo/desktop/programs.ts";
import { untilDialled } from "./proxy-program.ts";
import { pathsTo, type BackendPorts, type PathUse, type Relay } from "./relay.ts";

const USES = ["send", "receive", "echo"] as const;

/** How ssh encrypts. */
export interface SshOptions {
  readonly name: string;
  /** OpenSSH's own choice unless told. */
  readonly cipher?: string;
}

/** Makes a key pair in a file. */
async function makeKey(file: string): Promise<void> {
  const args = ["-q", "-t", "ed25519", "-N", "", "-f", file];
  await using keygen = await Child.start({ name: "ssh-keygen", command: "ssh-keygen", args });
  const { code } = await keygen.exited;
  if (code !== 0) throw new Error(`ssh-keygen ended: ${keygen.tail()}`);
}

function serverConfig(port: number, folder: TemporaryFolder): string {
  return `
Port ${port}
ListenAddress 127.0.0.1
HostKey ${folder.file("host")}
AuthorizedKeysFile ${folder.file("user.pub")}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding yes
`;
}

/**
 * `ssh -R`: the tenant's side dials out to an sshd, and who dials a port of the sshd's comes out at the tenant's target. The
 * peer of the whole chain: one hop less, and whoever has the server has the bytes.
 */
export async function startSsh(backends: BackendPorts, { name, cipher }: SshOptions): Promise<Relay> {
  const stack = new AsyncDisposableStack();
  try {
    const folder = stack.use(await TemporaryFolder.create("ssh"));
    await makeKey(folder.file("host"));
    await makeKey(folder.file("user"));
    const serverPort = await freePort();
    await writeFile(folder.file("config"), serverConfig(serverPort, folder));
    // sshd wants its absolute path, and as root a folder that the package's service would make.
    if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
    const server = stack.use(
      await Child.start({
        name: "sshd",
        command: findProgram("sshd") ?? "/usr/sbin/sshd",
        args: ["-D", "-e", "-f", folder.file("config")],
      }),
    );
    await untilDialled(serverPort, server);
    const ports = new Map<PathUse, number>();
    for (const use of USES) ports.set(use, await freePort());
    const client = stack.use(
      await Child.start({
        name: "ssh",
        command: "ssh",
        args: clientArgs(folder, serverPort, cipher).concat(
          USES.flatMap((use) => ["-R", `127.0.0.1:${ports.get(use)}:127.0.0.1:${backends[use]}`]),
          `${userInfo().username}@127.0.0.1`,
        ),
      }),
    );
    for (const port of ports.values()) await untilDialled(port, client);
    return {
      name,
      pid: client.pid,
      open: (use, count) => Promise.resolve(pathsTo(ports.get(use) ?? 0, count)),
      close: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function clientArgs(folder: TemporaryFolder, port: number, cipher: string | undefined): string[] {
  const settings = [
    "BatchMode=yes",
    "ExitOnForwardFailure=yes",
    "IdentitiesOnly=yes",
    "StrictHostKeyChecking=no",
    `UserKnownHostsFile=${folder.file("known-hosts")}`,
    ...(cipher === undefined ? [] : [`Ciphers=${cipher}`]),
  ];
  const args = ["-N", "-F", "none", "-i", folder.file("user"), "-p", String(port)];
  return [...args, ...settings.flatMap((setting) => ["-o", setting])];
}
