import type { ServiceDescription } from "./service-description.ts";
import { xmlText } from "./xml-text.ts";

/** The umask of a service: what it writes is its own. launchd wants it in decimal. */
const PRIVATE = 0o077;

/** Where launchd writes what a service logs. */
export const launchdLog = (name: string): string => `/var/log/${name}.log`;

/**
 * The property list of a service for launchd, as a daemon of the whole Mac. Source: launchd.plist(5).
 *
 * launchd knows no exit code that a restart cannot mend, so it tries again every half minute.
 */
export function launchdPlist({ role, name, user, node, args, stopSeconds }: ServiceDescription): string {
  const log = string(launchdLog(name));
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by \`drawbridge ${role} install-service\`. -->
<plist version="1.0">
  <dict>
    <key>Label</key>
    ${string(name)}
    <key>ProgramArguments</key>
    <array>
${[node, ...args].map((word) => `      ${string(word)}`).join("\n")}
    </array>
    <key>UserName</key>
    ${string(user ?? "nobody")}
    <key>RunAtLoad</key>
    <true/>
    <key>KeepAlive</key>
    <dict>
      <key>SuccessfulExit</key>
      <false/>
    </dict>
    <key>ThrottleInterval</key>
    <integer>30</integer>
    <key>ExitTimeOut</key>
    <integer>${stopSeconds}</integer>
    <key>Umask</key>
    <integer>${PRIVATE}</integer>
    <key>SoftResourceLimits</key>
    <dict>
      <key>NumberOfFiles</key>
      <integer>65536</integer>
    </dict>
    <key>StandardOutPath</key>
    ${log}
    <key>StandardErrorPath</key>
    ${log}
  </dict>
</plist>
`;
}

const string = (text: string): string => `<string>${xmlText(text)}</string>`;
