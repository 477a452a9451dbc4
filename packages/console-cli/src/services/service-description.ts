/** The roles that run as a service. */
export type ServiceRole = "cloud" | "tenant" | "gateway";

/** What a service definition says, whichever service manager it is for. */
export interface ServiceDescription {
  readonly role: ServiceRole;
  /** The service's name, and with it the file's. */
  readonly name: string;
  /** The account that it runs as. Absent: one that the service manager makes for each run. */
  readonly user: string | undefined;
  /** Absolute path of Node, or of the single executable, which holds Node. */
  readonly node: string;
  /** Absolute path of the script that Node runs. Absent: `node` is the single executable. */
  readonly script: string | undefined;
  /** What `node` gets: the script, if there is one, and its arguments. */
  readonly args: readonly string[];
  /** The home (`--home`), an absolute path. Absent: the role keeps nothing. */
  readonly home: string | undefined;
  /** Whether it listens on a port below 1024, which only root may do unless told otherwise. */
  readonly lowPort: boolean;
  /** How long it may take to stop, in seconds. */
  readonly stopSeconds: number;
}

/** What people read. */
export const SERVICE_TITLES: Readonly<Record<ServiceRole, string>> = {
  cloud: "Drawbridge cloud redirector",
  tenant: "Drawbridge tenant redirector",
  gateway: "Drawbridge cloud gateway",
};
