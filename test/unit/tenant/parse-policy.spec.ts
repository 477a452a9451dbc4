import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";

import { freshPolicy } from "../../../packages/control/src/tenant/policy/fresh-policy.ts";
import { parsePolicy } from "../../../packages/control/src/tenant/policy/parse-policy.ts";
import { judge } from "../../../packages/control/src/tenant/policy/policy.ts";
import { parseTargets } from "../../../packages/control/src/tenant/targets.ts";

const TARGETS = parseTargets(["rdp=127.0.0.1:3389", "1=127.0.0.1:22", "null=127.0.0.1:80"]);
const parse = (text: string) => parsePolicy(text, "policy.yaml", TARGETS.keys());
const KEY = "SHA256:" + Buffer.alloc(32, 7).toString("base64").slice(0, 43);

const QUESTION = {
  operator: "maria",
  operatorRole: "operator",
  target: "rdp",
  reason: "",
  operatorKeyFingerprint: "",
} as const;

function fault(text: string): string {
  try {
    parse(text);
  } catch (error) {
    expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "home-invalid");
    return (error as Error).message;
  }
  throw new Error(`this is accepted: ${text}`);
}

describe("reading a tenant's policy", () => {
  it("finds in a fresh one exactly the named targets, for every operator", () => {
    const policy = parse(freshPolicy(TARGETS, "example"));
    for (const target of ["rdp", "1", "null"]) {
      expect(judge(policy, { ...QUESTION, target }, 0).verdict).to.equal("allow");
    }
    expect(judge(policy, { ...QUESTION, target: "ssh" }, 0).verdict).to.equal("deny");
  });

  it("takes the examples of a fresh one as they stand", () => {
    const fresh = freshPolicy(TARGETS, "example");
    const examples = fresh.slice(fresh.indexOf("# To be asked"), fresh.indexOf("# Free targets")).split("\n");
    const rules = examples.filter((line) => line.startsWith("#  ") && !line.includes("SHA256"));
    const policy = parse(`rules:\n${rules.map((line) => line.slice(1)).join("\n")}\n`);
    expect(policy.rules.map(({ outcome }) => outcome.decision)).to.deep.equal(["ask", "allow", "ask", "deny"]);
    expect(policy.rules[1]?.outcome).to.deep.equal({ decision: "allow", maxSessionMs: 4 * 3_600_000 });
    expect(fresh).to.include("#  maria: SHA256:…");
    expect([...(parse(`rules: []\noperator_keys:\n  maria: ${KEY}\n`).operatorKeys.get("maria") ?? [])]).to.deep.equal([
      "07".repeat(32),
    ]);
  });

  it("takes the example of free targets in a fresh one as it stands, and permits none before", () => {
    const fresh = freshPolicy(TARGETS, "example");
    expect(parse(fresh).freeTargets).to.deep.equal([]);
    const [, example = ""] = /^free_targets: \[\]\n((?:# {2}.*\n)+)/m.exec(fresh) ?? [];
    const { freeTargets } = parse(`rules: []\nfree_targets:\n${example.replaceAll(/^#/gm, "")}`);
    expect(freeTargets?.map(({ outcome }) => outcome)).to.deep.equal([{ decision: "ask", timeoutMs: 60_000 }]);
  });

  it("fills in what is left out", () => {
    const { rules, requireReason, operatorKeys } = parse("rules:\n  - decision: ask\n");
    expect(rules[0]).to.deep.include({ line: 2, outcome: { decision: "ask", timeoutMs: 60_000 } });
    expect([requireReason, operatorKeys.size]).to.deep.equal([false, 0]);
  });

  const faults: readonly [what: string, text: string, message: RegExp][] = [
    ["an empty file", "", /line 1, column 1: policy: /],
    ["broken YAML", "rules:\n\t- decision: deny\n", /line 2, column 1: Tabs are not allowed as indentation$/],
    ["a bare star", "rules:\n  - operators: *\n", /line 2, column 16: /],
    ["a key twice", "rules: []\nrules: []\n", /line 2, column 1: Map keys must be unique$/],
    ["a second document", "rules: []\n---\nrules: []\n", /line 2, column 1: /],
    ["an unknown tag", "rules: !!js/function x\n", /line 1, column 8: /],
    ["no rules", "require_reason: true\n", /line 1, column 1: rules: this is missing$/],
    [
      "a wrong decision",
      "rules:\n  - decision: permit\n",
      /line 2, column 5: rules\[0\]\.decision: write allow, ask or deny$/,
    ],
    [
      "an unknown setting",
      "rules:\n  - decision: deny\n    target: rdp\n",
      /line 3, column 5: rules\[0\]\.target: there is no such/,
    ],
    [
      "a setting of another decision",
      "rules:\n  - decision: allow\n    timeout: 5s\n",
      /line 3, column 5: rules\[0\]\.timeout: there is/,
    ],
    [
      "an unknown target",
      "rules:\n  - decision: allow\n    targets: [rdp, vnc]\n",
      /line 3, column 20: there is no target vnc in/,
    ],
    [
      "a wrong time",
      "rules:\n  - decision: ask\n    timeout: soon\n",
      /line 3, column 5: rules\[0\]\.timeout: "soon" is no time/,
    ],
    [
      "a time out of range",
      "rules:\n  - decision: ask\n    timeout: 2h\n",
      /line 3, column 5: .*out of range: from 1s to 1h$/,
    ],
    [
      "a wrong hour",
      "rules:\n  - decision: deny\n    hours: { from: 8, to: 09:00 }\n",
      /line 3, column 14: rules\[0\]\.hours\[0\]\.from: /,
    ],
    [
      "an hour that is none",
      "rules:\n  - decision: deny\n    hours: { from: 08:00, to: 24:01 }\n",
      /"24:01" is no time of day/,
    ],
    [
      "no hours at all",
      "rules:\n  - decision: deny\n    hours: { from: 08:00, to: 08:00 }\n",
      /line 3, .*from and to are the same/,
    ],
    [
      "a wrong zone",
      "rules:\n  - decision: deny\n    hours: { from: 08:00, to: 09:00, zone: Mars/Base }\n",
      /no such time zone/,
    ],
    [
      "a wrong day",
      "rules:\n  - decision: deny\n    hours: { days: [monday], from: 08:00, to: 09:00 }\n",
      /line 3, .*days\[0\]/,
    ],
    [
      "a short fingerprint",
      "rules: []\noperator_keys:\n  maria: SHA256:abc\n",
      /line 3, column 3: operator_keys\.maria\[0\]: this is no fingerprint/,
    ],
    [
      "free targets that name no networks",
      "rules: []\nfree_targets:\n  - decision: allow\n    ports: [22]\n",
      /line 3, column 5: free_targets\[0\]\.networks: this is missing$/,
    ],
    [
      "free targets that name no ports",
      "rules: []\nfree_targets:\n  - decision: ask\n    networks: [10.0.0.0/8]\n",
      /line 3, column 5: free_targets\[0\]\.ports: this is missing$/,
    ],
    [
      "a network that does not begin where it says",
      "rules: []\nfree_targets:\n  - decision: deny\n    networks: [10.0.0.0/8, 10.0.0.5/8]\n",
      /line 4, column 28: free_targets\[0\]\.networks\[1\]: "10\.0\.0\.5\/8" is no network/,
    ],
    [
      "a name that is a number",
      "rules: []\nfree_targets:\n  - decision: deny\n    names: [a.lan, 127.1]\n",
      /line 4, column 20: free_targets\[0\]\.names\[1\]: /,
    ],
    [
      "a range of ports the wrong way round",
      "rules: []\nfree_targets:\n  - decision: deny\n    ports: [22, 90-80]\n",
      /line 4, column 17: free_targets\[0\]\.ports\[1\]: this is no port/,
    ],
    [
      "plain links to free targets",
      "rules: []\nfree_targets:\n  - decision: allow\n    networks: 10.0.0.1\n    ports: 22\n    plain_links: allow\n",
      /line 6, column 5: free_targets\[0\]\.plain_links: there is no such setting here$/,
    ],
    ["an impossible operator", "rules: []\noperator_keys:\n  Maria: x\n", /line 3, column 3: operator_keys\.Maria: /],
  ];
  for (const [what, text, message] of faults) {
    it(`refuses ${what}, with line and column`, () => expect(fault(text)).to.match(message));
  }

  it("names the first of several faults in the file", () => {
    expect(fault("rules:\n  - decision: no\n  - decision: never\n")).to.include("line 2,");
  });

  it("refuses a file that would unfold into something huge", () => {
    const levels = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`);
    expect(fault(`a0: &a0 [x]\n${levels.join("\n")}\n`)).to.include("line 1, column 1: ");
  });

  it("refuses or reads any text, and fails in no other way", () => {
    const piece = fc.constantFrom(
      "rules:",
      "\n",
      "  - ",
      "decision: ",
      "ask",
      "*",
      "&a",
      "[",
      "]",
      "{",
      "}",
      ":",
      "'",
      "#",
      "1",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join("")),
        ),
        (text) => {
          try {
            parse(text);
          } catch (error) {
            expect(error).to.be.instanceOf(DrawbridgeError);
          }
        },
      ),
    );
  });
});
