import { DrawbridgeError, formatProxy, formatProxyWithCredentials, parseProxy } from "@drawbridge/dataplane";
import { expect } from "chai";

const refusal = (text: string): DrawbridgeError => {
  try {
    parseProxy(text, "HTTPS_PROXY");
  } catch (error) {
    expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "invalid-argument");
    return error as DrawbridgeError;
  }
  throw new Error(`"${text}" was taken`);
};

describe("a proxy's URL", () => {
  for (const [text, shown] of [
    ["http://proxy.corp:3128", "http://proxy.corp:3128"],
    ["proxy.corp:3128", "http://proxy.corp:3128"],
    ["http://proxy.corp", "http://proxy.corp:80"],
    ["https://proxy.corp", "https://proxy.corp:443"],
    ["HTTP://192.0.2.7:8080/", "http://192.0.2.7:8080"],
    ["http://[2001:db8::7]:3128/ignored?too", "http://[2001:db8::7]:3128"],
    ["http://user:secret@proxy.corp:3128", "http://proxy.corp:3128"],
  ] as const) {
    it(`${text.replace(/:[^:]*@/, ":…@")} is read, and shown without user and password`, () => {
      expect(formatProxy(parseProxy(text, "x"))).to.equal(shown);
    });
  }

  it("keeps user and password, percent-encoded, with any characters", () => {
    const credentials = { user: "corp\\maria", password: "p@ss:w/ör d%" };
    const text = formatProxyWithCredentials({ address: { host: "p", port: 1 }, secure: false, credentials });
    expect(text).to.not.contain(credentials.password);
    expect(parseProxy(text, "x").credentials).to.deep.equal(credentials);
  });

  it("may have a user without password", () => {
    const proxy = parseProxy("http://maria@proxy.corp:3128", "x");
    expect(proxy.credentials).to.deep.equal({ user: "maria", password: "" });
    expect(formatProxyWithCredentials(proxy)).to.equal("http://maria@proxy.corp:3128");
  });

  for (const text of [
    "",
    "http://",
    "http://proxy.corp:0",
    "http://proxy.corp:99999",
    "http://pro xy:1",
    "http://user:canary%0d%0aX@proxy.corp:1",
    "http://:canary@proxy.corp:1",
    "http://user:canary%zz@proxy.corp:1",
    `http://user:canary${"x".repeat(300)}@proxy.corp:1`,
    "http://user:canary@",
    "socks5://user:canary@proxy.corp:1",
  ]) {
    it(`is refused without being repeated: ${text.slice(0, 45)}`, () => {
      const { message, remedy } = refusal(text);
      expect(message).to.contain("HTTPS_PROXY");
      expect(message + remedy).to.not.contain("canary");
    });
  }
});
