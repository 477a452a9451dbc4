import type { Address } from "@drawbridge/dataplane";
import type { ServerCertificate } from "../rdp/server-certificate.ts";
import type { ClientEnvironment, Display } from "./client-environment.ts";

/** Where an RDP client is to go and how it is to look. */
export interface ClientTarget {
  /** The remote redirector's loopback listener. */
  readonly address: Address;
  /** The user name to log on with. Default: the client asks. There is no password here: command lines are public. */
  readonly user?: string;
  /** The size of the desktop, in pixels. Default: the client's own choice. */
  readonly size?: { readonly width: number; readonly height: number };
  /** What the window's title says, where the client can be told. Default: the client's own. */
  readonly title?: string;
  /** Whether the desktop fills the screen. Default: false. */
  readonly fullScreen?: boolean;
  /** Whether it fills all screens. Default: false. */
  readonly multiMonitor?: boolean;
  /** Whether the clipboard is shared with the desktop. Default: as the client has it, which is on for all of them. */
  readonly clipboard?: boolean;
  /** A folder of this machine that the desktop sees, an absolute path. Default: none. */
  readonly drive?: string;
  /** Whether to log on to the administrative session, which needs no licence. Default: false. */
  readonly admin?: boolean;
  /** The server's certificate as it was seen from end to end just before. Default: nobody has looked. */
  readonly certificate?: ServerCertificate | undefined;
  /** Where a client that needs a profile file may have it; see {@link ClientCommand.profile}. Default: nowhere. */
  readonly profilePath?: string;
  /** More arguments for the client, after ours, as they stand. */
  readonly extraArgs: readonly string[];
}

/** A program to start. There is never a shell between. */
export interface ClientCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** What the client cannot do of what was asked, one sentence each, for people. */
  readonly notes: readonly string[];
  /** See {@link FoundClient.endsWithItself}. */
  readonly endsWithItself: boolean;
  /** A file that must be there before the start. Default: none. */
  readonly profile?: ClientProfile;
}

/** A file with options that a client takes nowhere else. It holds no password. */
export interface ClientProfile {
  /** {@link ClientTarget.profilePath}. */
  readonly path: string;
  readonly text: string;
  /** Default: utf8. */
  readonly encoding?: "utf8" | "utf16le";
}

/** An RDP client that is there. */
export interface FoundClient {
  readonly name: string;
  /** The program. */
  readonly path: string;
  /** Its version as it says itself, where it was asked and answered. */
  readonly version?: string;
  /**
   * Whether its process lives as long as its window. Where not (the program hands the address to an instance that runs
   * already), the process's end says nothing, the session has to be ended by hand, and the program is left alone.
   */
  readonly endsWithItself: boolean;
  /** The command line for a target. Pure. */
  command(target: ClientTarget): ClientCommand;
  /** What has to be done on this machine before the command is started. Never rejects. Default: nothing. */
  prepare?(target: ClientTarget): Promise<void>;
}

/** A kind of RDP client. */
export interface RdpClient {
  /** As `--client` takes it. */
  readonly name: string;
  /** What to install where it is missing, for people: a whole sentence. */
  readonly howToGet: string;
  /** The displays that it can draw on under Linux, any one of them. Empty: it needs none. */
  readonly displays: readonly Display[];
  /** Looks for it. Resolves to undefined where it is not installed. */
  find(environment: ClientEnvironment): Promise<FoundClient | undefined>;
}
