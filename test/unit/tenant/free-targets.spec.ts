import { formatIp, ipBytes } from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";
import type { FreeTargetPlace } from "../../../packages/control/src/tenant/offers.ts";
import { Networks } from "../../../packages/control/src/tenant/policy/networks.ts";
import { parsePolicy } from "../../../packages/control/src/tenant/policy/parse-policy.ts";
import { judge, type Policy, refusalBeforeLookUp } from "../../../packages/control/src/tenant/policy/policy.ts";
import { canonicalTarget, readFreeTarget } from "../../../packages/control/src/wire/free-target.ts";
import { offer } from "./offer.ts";

const policyOf = (rules: string, more = "rules: [{ decision: allow }]"): Policy =>
  parsePolicy(`${more}\nfree_targets:\n${rules}`, "policy.yaml", ["rdp"]);

/** What a policy says of a target whose host leads to these addresses; without any it is an IP address itself. */
function verdict(policy: Policy, target: string, addresses?: readonly string[], own = false): string {
  const { host, port } = readFreeTarget(target);
  const place: FreeTargetPlace = { host, port, addresses: (addresses ?? [host]).map((address) => ({ address, own })) };
  return judge(policy, { ...offer("s-1"), target, place }, 0).verdict;
}

const OFFICE = policyOf(`
  - { decision: deny, networks: 10.0.0.1, reason: not the router }
  - { decision: allow, networks: [10.0.0.0/8, "fd00::/8"], ports: [22, 8000-8010] }
  - { decision: ask, names: ["*.lan", printer], networks: [192.168.0.0/16], ports: 631 }
`);

describe("a tenant's policy on free targets", () => {
  const cases: readonly [target: string, leadsTo: string[] | undefined, verdict: string][] = [
    ["10.1.2.3:22", undefined, "allow"],
    ["[fd00::5]:8005", undefined, "allow"],
    ["10.1.2.3:23", undefined, "deny"],
    ["10.1.2.3:8011", undefined, "deny"],
    ["10.0.0.1:22", undefined, "deny"],
    ["11.0.0.0:22", undefined, "deny"],
    ["[fe00::5]:22", undefined, "deny"],
    ["files.example:22", ["10.9.9.9"], "allow"],
    ["files.example:22", ["10.9.9.9", "fd00::7"], "allow"],
    ["files.example:22", ["10.9.9.9", "192.0.2.7"], "deny"],
    ["files.example:22", ["10.9.9.9", "10.0.0.1"], "deny"],
    ["files.example:22", ["10.9.9.9", "169.254.169.254"], "deny"],
    ["files.example:22", [], "deny"],
    ["a.lan:631", ["192.168.1.1"], "ask"],
    ["b.a.lan:631", ["192.168.1.1"], "ask"],
    ["printer:631", ["192.168.1.1"], "ask"],
    ["lan:631", ["192.168.1.1"], "deny"],
    ["xlan:631", ["192.168.1.1"], "deny"],
    ["printer.example:631", ["192.168.1.1"], "deny"],
    ["192.168.1.1:631", undefined, "deny"],
    ["a.lan:631", ["10.1.1.1"], "deny"],
  ];
  for (const [target, leadsTo, expected] of cases) {
    it(`says ${expected} to ${target}${leadsTo === undefined ? "" : ` at ${leadsTo.join(", ")}`}`, () => {
      expect(verdict(OFFICE, target, leadsTo)).to.equal(expected);
    });
  }

  it("is none without a section for them, whatever the rules about named targets say", () => {
    const policy = parsePolicy('rules: [{ decision: allow, targets: "*" }, { decision: allow }]', "policy.yaml", []);
    expect(verdict(policy, "10.1.2.3:22")).to.equal("deny");
  });

  it("does not speak of named targets", () => {
    const policy = policyOf(`  - { decision: allow, networks: [0.0.0.0/0, "::/0"], ports: 1-65535 }`, "rules: []");
    expect(judge(policy, offer("s-1"), 0).verdict).to.equal("deny");
  });

  it("is denied where nobody has looked where the host leads", () => {
    expect(judge(OFFICE, { ...offer("s-1"), target: "10.1.2.3:22" }, 0).verdict).to.equal("deny");
  });

  it("asks for operators, roles, hours, keys and reasons as for named targets", () => {
    const who = "{ decision: allow, networks: 10.0.0.0/8, ports: 22";
    const denied = [
      policyOf(`  - ${who}, operators: bob }`),
      policyOf(`  - ${who}, roles: admin }`),
      policyOf(`  - ${who}, hours: { days: fri, from: 08:00, to: 09:00, zone: UTC } }`),
      policyOf(`  - ${who} }`, `rules: []\nrequire_reason: true`),
      policyOf(`  - ${who} }`, `rules: []\noperator_keys: { alice: "SHA256:${"A".repeat(42)}E" }`),
    ];
    for (const [index, policy] of denied.entries()) {
      expect(verdict(policy, "10.1.2.3:22"), `policy ${index}`).to.equal("deny");
    }
    expect(verdict(policyOf(`  - ${who}, operators: alice, roles: operator }`), "10.1.2.3:22")).to.equal("allow");
  });

  it("opens this machine's own addresses only where they are named by themselves", () => {
    const all = policyOf(`  - { decision: allow, networks: [0.0.0.0/0, "::/0"], ports: 22 }`);
    const named = policyOf(`  - { decision: allow, networks: [127.0.0.0/30, "::1", 10.0.0.0/8, 10.1.1.1], ports: 22 }`);
    for (const target of ["127.0.0.1:22", "127.0.0.3:22", "[::1]:22"]) {
      expect(verdict(all, target), target).to.equal("deny");
      expect(verdict(named, target), target).to.equal("allow");
    }
    expect(verdict(named, "127.0.0.4:22")).to.equal("deny");
    expect([verdict(all, "10.1.1.2:22"), verdict(named, "10.1.1.2:22")]).to.deep.equal(["allow", "allow"]);
    expect(verdict(all, "10.1.1.2:22", undefined, true)).to.equal("deny");
    expect(verdict(named, "10.1.1.2:22", undefined, true)).to.equal("deny");
    expect(verdict(named, "10.1.1.1:22", undefined, true)).to.equal("allow");
  });

  it("cannot open what no target may have", () => {
    const hosts = ["169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "100.100.100.200", "::", "fe80::1"];
    const disguised = ["ff02::1", "::ffff:10.0.0.5", "::ffff:0:a00:5", "::a00:5", "64:ff9b::a00:5", "64:ff9b:1::a00:5"];
    for (const host of [...hosts, ...disguised]) {
      const target = canonicalTarget(host.includes(":") ? `[${host}]:22` : `${host}:22`);
      const policy = policyOf(`  - { decision: allow, networks: ["${host}", 0.0.0.0/0, "::/0"], ports: 22 }`);
      expect(verdict(policy, target), host).to.equal("deny");
      expect(verdict(policy, "name.lan:22", [host, "10.0.0.5"]), host).to.equal("deny");
    }
  });
});

describe("a free target before anybody has looked where it is", () => {
  const refused = (policy: Policy, target: string, changes = {}): boolean =>
    refusalBeforeLookUp(policy, { ...offer("s-1"), target, ...changes }, readFreeTarget(target), 0) !== undefined;

  it("is looked up for who may reach it by its name and port, and for nobody else", () => {
    const policy = policyOf(`
  - { decision: deny, operators: bob }
  - { decision: allow, operators: [alice, bob], names: "*.lan", networks: 10.0.0.0/8, ports: 22 }
`);
    expect(refused(policy, "files.lan:22")).to.equal(false);
    expect(refused(policy, "files.lan:23")).to.equal(true);
    expect(refused(policy, "files.example:22")).to.equal(true);
    expect(refused(policy, "files.lan:22", { operator: "bob" })).to.equal(true);
    expect(refused(policy, "files.lan:22", { operator: "carol" })).to.equal(true);
  });

  it("is never refused where the answer with its addresses would let it in", () => {
    const address = fc.constantFrom("10.0.0.1", "10.0.0.2", "192.168.0.1", "fd00::1");
    const list = fc.uniqueArray(fc.constantFrom("10.0.0.0/8", "10.0.0.1", "192.168.0.0/16", "fd00::/8"), {
      minLength: 1,
    });
    const ports = fc.constantFrom("[22]", "[80]", "[22, 80]");
    const names = fc.constantFrom("", `names: "*.lan", `, "names: files.lan, ");
    const rule = fc
      .tuple(fc.constantFrom("allow", "ask", "deny"), list, ports, names)
      .map(([decision, networks, range, name]) => {
        const where = networks.map((network) => `"${network}"`).join(", ");
        return `  - { decision: ${decision}, ${name}networks: [${where}], ports: ${range} }`;
      });
    const rules = fc.array(rule, { minLength: 1, maxLength: 5 });
    const targets = fc.constantFrom("files.lan:22", "www.example:80", "x.lan:80");
    fc.assert(
      fc.property(rules, targets, fc.uniqueArray(address, { minLength: 1 }), (lines, target, addresses) => {
        const policy = policyOf(lines.join("\n"));
        if (verdict(policy, target, addresses) !== "deny") expect(refused(policy, target)).to.equal(false);
      }),
    );
  });
});

describe("networks", () => {
  it("agree with counting bits, for any address and prefix", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    const bitsOf = (of: Uint8Array): string => [...of].map((byte) => byte.toString(2).padStart(8, "0")).join("");
    fc.assert(
      fc.property(bytes, bytes, fc.nat({ max: 128 }), fc.boolean(), (network, other, length, isNear) => {
        const prefix = Math.min(length, network.length * 8);
        const bits = bitsOf(network).slice(0, prefix);
        const first = Buffer.from(
          network.map((_, index) => parseInt(bits.padEnd(128, "0").slice(8 * index, 8 * index + 8), 2)),
        );
        // Near: the same but for one bit, so that both sides of the prefix are met.
        const flipped = Buffer.from(network);
        const [bit] = [(other[0] ?? 0) % (network.length * 8)];
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
        const address = formatIp(isNear ? flipped : other);
        const read = ipBytes(address) ?? Buffer.alloc(0);
        const expected = read.length === network.length && bitsOf(read).startsWith(bits);
        expect(new Networks([`${formatIp(first)}/${prefix}`]).names(address)).to.equal(expected);
      }),
    );
  });
});
