import { stableListenAddresses, stableLoopbackAddress } from "@drawbridge/control/remote";
import { expect } from "chai";
import fc from "fast-check";

const owner = (tenant: string, target = "rdp", provider = "example") => ({ provider, tenant, target });

describe("stable loopback address", () => {
  it("is today what it was yesterday: golden values", () => {
    expect(stableLoopbackAddress(owner("acme"))).to.deep.equal({ host: "127.42.104.115", alternativePort: 20_102 });
    expect(stableLoopbackAddress(owner("acme", "ssh"))).to.deep.equal({
      host: "127.5.66.129",
      alternativePort: 27_678,
    });
    expect(stableLoopbackAddress(owner("globex", "rdp", "other"))).to.deep.equal({
      host: "127.224.150.83",
      alternativePort: 23_954,
    });
  });

  it("is a loopback address that nothing else is known to use, whatever the names", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (tenant, target, provider) => {
        const { host, alternativePort } = stableLoopbackAddress({ tenant, target, provider });
        const [first, second, third, fourth] = host.split(".").map(Number);
        expect(first).to.equal(127);
        expect(second).to.be.within(1, 254);
        expect(third).to.be.within(0, 255);
        expect(fourth).to.be.within(1, 254);
        expect(alternativePort).to.be.within(20_000, 29_999);
      }),
    );
  });

  it("differs by provider, tenant and target, also where their texts run into each other", () => {
    const hosts = [owner("a", "bc"), owner("ab", "c"), owner("abc", ""), owner("a", "c", "b"), owner("b", "c", "a")];
    expect(new Set(hosts.map((each) => stableLoopbackAddress(each).host))).to.have.property("size", hosts.length);
  });

  it("spreads tenants evenly", () => {
    const tenants = 20_000;
    const byPart = [1, 2, 3].map(() => new Map<number, number>());
    const hosts = new Set<string>();
    for (let index = 0; index < tenants; index++) {
      const { host } = stableLoopbackAddress(owner(`tenant-${index}`));
      hosts.add(host);
      const parts = host.split(".").map(Number).slice(1);
      for (const [at, part] of parts.entries()) byPart[at]!.set(part, (byPart[at]!.get(part) ?? 0) + 1);
    }
    // Of 20,000 among 16.5 million, 12 are expected to meet another.
    expect(hosts.size).to.be.at.least(tenants - 40);
    for (const counts of byPart) {
      expect(counts.size).to.be.at.least(254);
      // 79 are expected of each.
      for (const count of counts.values()) expect(count).to.be.within(30, 150);
    }
  });

  it("is tried with RDP's port, with the alternative one and with any, and then 127.0.0.1 is", () => {
    const { host, alternativePort } = stableLoopbackAddress(owner("acme"));
    expect(stableListenAddresses(owner("acme"))).to.deep.equal({
      listen: { host, port: 3389 },
      listenElse: [
        { host, port: alternativePort },
        { host, port: 0 },
        { host: "127.0.0.1", port: alternativePort },
        { host: "127.0.0.1", port: 0 },
      ],
    });
  });

  it("is left out for a client that reaches 127.0.0.1 only", () => {
    const { alternativePort } = stableLoopbackAddress(owner("acme"));
    expect(stableListenAddresses(owner("acme"), true)).to.deep.equal({
      listen: { host: "127.0.0.1", port: alternativePort },
      listenElse: [{ host: "127.0.0.1", port: 0 }],
    });
  });
});
