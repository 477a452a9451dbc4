import { win32 } from "node:path";
import { DrawbridgeError } from "@drawbridge/dataplane";
import type { ServiceDescription } from "./service-description.ts";
import { SERVICE_TITLES } from "./service-description.ts";
import { xmlText } from "./xml-text.ts";

/** What depends on the machine that the definition is for. */
export interface WindowsOptions {
  /** A folder that the service's account may write to. */
  readonly logFolder: string;
}

/** The account that a service of Windows runs as unless told otherwise. */
export const LOCAL_SERVICE = "NT AUTHORITY\\LocalService";

/**
 * The definition of a service for WinSW 2, which runs programs that are not Windows services themselves, and stops them
 * with Ctrl-C. Source: winsw/winsw, branch v2, doc/xmlConfigFile.md.
 */
export function windowsDefinition(
  { role, name, user, node, args, stopSeconds }: ServiceDescription,
  { logFolder }: WindowsOptions,
): string {
  const title = SERVICE_TITLES[role];
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- Written by \`drawbridge ${role} install-service\`. WinSW runs it: the same name with .exe beside this file. -->
<service>
  <id>${xmlText(name)}</id>
  <name>${title}</name>
  <description>${title}: drawbridge ${role} run</description>
  <executable>${literal(node)}</executable>
${args.map((word) => `  <argument>${literal(word)}</argument>`).join("\n")}
  <serviceaccount>
${account(user ?? LOCAL_SERVICE)}
  </serviceaccount>
  <startmode>Automatic</startmode>
  <onfailure action="restart" delay="5 sec"/>
  <onfailure action="restart" delay="30 sec"/>
  <onfailure action="restart" delay="5 min"/>
  <resetfailure>1 hour</resetfailure>
  <stoptimeout>${stopSeconds} sec</stoptimeout>
  <logpath>${literal(logFolder)}</logpath>
  <log mode="roll-by-size">
    <sizeThreshold>10240</sizeThreshold>
    <keepFiles>8</keepFiles>
  </log>
</service>
`;
}

/** `DOMAIN\USER`, or a user of this machine. */
function account(user: string): string {
  const [first = "", second] = user.split("\\", 2);
  const lines =
    second === undefined ? [`<user>${xmlText(first)}</user>`] : [domain(first), `<user>${xmlText(second)}</user>`];
  return lines.map((line) => `    ${line}`).join("\n");
}

const domain = (name: string): string => `<domain>${xmlText(name)}</domain>`;

/** Text in which WinSW finds no `%NAME%` to replace: where it has any, Windows itself would too. */
function literal(text: string): string {
  if (/%[^%]+%/.test(text)) {
    throw new DrawbridgeError("invalid-argument", `WinSW would read a variable in ${JSON.stringify(text)}`, {
      remedy: "Move it to a path without a pair of percent signs.",
    });
  }
  return xmlText(text);
}

/** Where the homes and logs of Windows services stand. */
export function windowsFolder(env: Readonly<Record<string, string | undefined>>): string {
  return win32.join(env["ProgramData"] || "C:\\ProgramData", "Drawbridge");
}
