import { readFile } from "node:fs/promises";
import { expect } from "chai";
import type { ServiceDescription } from "../../../packages/console-cli/src/services/service-description.ts";
import { serviceHome } from "../../../packages/console-cli/src/services/service-home.ts";
import { SERVICE_PLATFORMS, serviceFile } from "../../../packages/console-cli/src/services/service-platform.ts";

const EXECUTABLE = "/opt/drawbridge/packages/console-cli/bin/drawbridge.js";

const cloud: ServiceDescription = {
  role: "cloud",
  name: "drawbridge-cloud",
  user: "drawbridge-cloud",
  node: "/opt/node/bin/node",
  script: EXECUTABLE,
  args: [EXECUTABLE, "cloud", "run", "--home", "/var/lib/drawbridge-cloud"],
  home: "/var/lib/drawbridge-cloud",
  lowPort: true,
  stopSeconds: 660,
};
const tenant: ServiceDescription = {
  ...cloud,
  role: "tenant",
  name: "drawbridge-tenant",
  user: "drawbridge-tenant",
  args: [EXECUTABLE, "tenant", "run", "--home", "/home/ada/bridge"],
  home: "/home/ada/bridge",
  lowPort: false,
  stopSeconds: 60,
};
const gateway: ServiceDescription = {
  ...cloud,
  role: "gateway",
  name: "drawbridge-gateway",
  user: undefined,
  args: [EXECUTABLE, "gateway", "run", "--listen", ":443", "--cloud", "10.0.0.1:8443"],
  home: undefined,
};

const definition = (service: ServiceDescription, platform: (typeof SERVICE_PLATFORMS)[number] = "systemd"): string =>
  serviceFile(platform, service, {}).content;
const lines = (service: ServiceDescription): string[] => definition(service).split("\n");

describe("a service definition", () => {
  for (const platform of SERVICE_PLATFORMS) {
    for (const service of [cloud, tenant, gateway]) {
      it(`for ${platform} is, for the ${service.role}, what it was`, async () => {
        const golden = new URL(`services/${platform}-${service.role}.txt`, import.meta.url);
        const user = { systemd: service.user, launchd: `_${service.name}`, windows: undefined }[platform];
        expect(definition({ ...service, user }, platform)).to.equal(await readFile(golden, "utf8"));
      });
    }
  }

  it("has its place where the platform looks for it", () => {
    const place = (platform: (typeof SERVICE_PLATFORMS)[number]): string => serviceFile(platform, tenant, {}).path;
    expect(place("systemd")).to.equal("/etc/systemd/system/drawbridge-tenant.service");
    expect(place("launchd")).to.equal("/Library/LaunchDaemons/drawbridge-tenant.plist");
    expect(place("windows")).to.equal("C:\\Program Files\\Drawbridge\\drawbridge-tenant.xml");
  });
});

describe("a systemd unit", () => {
  it("quotes what systemd would read as something else", () => {
    const odd = { ...tenant, node: "/opt/a b%h$HOME/node", args: ["/x.js", `it's`, `"50%"`, "$HOME", "a\\b", "ä"] };
    expect(lines(odd)).to.include(`ExecStart=:"/opt/a b%%h$HOME/node" /x.js "it's" "\\"50%%\\"" "$HOME" "a\\\\b" "ä"`);
    expect(lines({ ...tenant, home: `/srv/a "b%` })).to.include(`ReadWritePaths="/srv/a \\"b%%"`);
  });

  it("refuses what systemd cannot hold", () => {
    for (const args of [["a\nExecStartPre=/bin/true"], ["a\0"]]) {
      expect(() => definition({ ...tenant, args })).to.throw(/control character/);
    }
    for (const node of ["/a'b/node", `/a"b/node`, "/a\\b/node"]) {
      expect(() => definition({ ...tenant, node })).to.throw(/quote or a backslash/);
    }
  });

  it("hides people's homes unless something of its own is in there", () => {
    expect(lines(cloud)).to.include("ProtectHome=yes");
    expect(lines({ ...cloud, node: "/root/node/bin/node" })).to.include("ProtectHome=read-only");
    expect(lines({ ...cloud, home: "/homework", args: [] })).to.include("ProtectHome=yes");
  });

  it("gives no right but that to a port below 1024, and this only where it is needed", () => {
    expect(lines(cloud)).to.include("CapabilityBoundingSet=CAP_NET_BIND_SERVICE");
    expect(lines({ ...cloud, lowPort: false }))
      .to.include("CapabilityBoundingSet=")
      .and.not.include("AmbientCapabilities=CAP_NET_BIND_SERVICE");
  });

  it("restarts ever more slowly where systemd knows how", () => {
    const unit = (version?: number): string => serviceFile("systemd", cloud, {}, version).content;
    expect(unit()).not.to.contain("RestartSteps");
    expect(unit(253)).not.to.contain("RestartSteps");
    expect(unit(254)).to.contain("RestartSteps=6\nRestartMaxDelaySec=300");
  });
});

describe("an XML definition", () => {
  it("escapes what is XML's own, and refuses what XML cannot hold", () => {
    const odd = { ...tenant, args: [`<&>"'`] };
    expect(definition(odd, "launchd")).to.contain("<string>&lt;&amp;&gt;&quot;&apos;</string>");
    expect(definition(odd, "windows")).to.contain("<argument>&lt;&amp;&gt;&quot;&apos;</argument>");
    for (const platform of ["launchd", "windows"] as const) {
      expect(() => definition({ ...tenant, args: ["a\u0001"] }, platform)).to.throw(/XML cannot hold/);
    }
  });

  it("refuses what WinSW would read as a variable", () => {
    expect(() => definition({ ...tenant, home: "C:\\%USER%" }, "windows")).to.throw(/would read a variable/);
    expect(definition({ ...tenant, home: "C:\\100%" }, "windows")).to.contain("C:\\100%");
  });

  it("names a Windows account with and without its domain", () => {
    expect(definition({ ...tenant, user: "CORP\\bridge$" }, "windows")).to.contain(
      "    <domain>CORP</domain>\n    <user>bridge$</user>",
    );
    expect(definition({ ...tenant, user: "bridge" }, "windows")).to.contain("    <user>bridge</user>");
  });
});

describe("serviceHome", () => {
  it("is --home, then DRAWBRIDGE_HOME, then where the platform's services keep their files", () => {
    const env = { DRAWBRIDGE_HOME: "/srv/bridge", HOME: "/root" };
    expect(serviceHome("/opt/x/../home", env, "systemd", "n")).to.equal("/opt/home");
    expect(serviceHome("", env, "systemd", "n")).to.equal("/srv/bridge");
    expect(serviceHome(undefined, { HOME: "/root" }, "systemd", "n")).to.equal("/var/lib/n");
    expect(serviceHome(undefined, {}, "launchd", "n")).to.equal("/Library/Application Support/Drawbridge/n");
    expect(serviceHome(undefined, {}, "windows", "n")).to.equal("C:\\ProgramData\\Drawbridge\\n");
    expect(serviceHome(undefined, { ProgramData: "D:\\Data" }, "windows", "n")).to.equal("D:\\Data\\Drawbridge\\n");
  });
});
