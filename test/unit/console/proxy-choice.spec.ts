import type { Environment, NetworkSettings } from "@drawbridge/control/wire";
import { chooseNoProxy, chooseProxy } from "@drawbridge/control/wire";
import { formatProxy } from "@drawbridge/dataplane";
import { expect } from "chai";
import type { NetworkChoice } from "../../../packages/console-cli/src/network-options.ts";
import { proxyWish } from "../../../packages/console-cli/src/proxy-choice.ts";
import { thrown } from "../identity/thrown.ts";

const shown = (
  choice: NetworkChoice,
  settings: NetworkSettings,
  env: Environment,
  password?: string,
): string | undefined => {
  const { proxy, source } = chooseProxy(proxyWish(choice, password), settings, env);
  if (proxy === undefined) return source;
  const { user, password: secret } = proxy.credentials ?? { user: "", password: "" };
  return `${user}/${secret} ${formatProxy(proxy)} ${source}`;
};

describe("the choice of a proxy", () => {
  const home = { proxy: "http://ann:secret@home:1" };

  it("is the command line's, else the home's, else the environment's", () => {
    const env = { HTTPS_PROXY: "http://env:1" };
    expect(shown({ proxy: "line:1" }, home, env)).to.equal("/ http://line:1 --proxy");
    expect(shown({}, home, env)).to.equal("ann/secret http://home:1 the home");
    expect(shown({}, {}, env)).to.equal("/ http://env:1 HTTPS_PROXY");
    expect(shown({}, {}, {})).to.equal(undefined);
  });

  it("may be none, said by the command line or the home, and the environment past the home", () => {
    const env = { ALL_PROXY: "http://env:1" };
    expect(shown({ proxy: false }, home, env)).to.equal("--no-proxy");
    expect(shown({ proxy: "none" }, home, env)).to.equal("--proxy");
    expect(shown({}, { proxy: "none" }, env)).to.equal("the home");
    expect(shown({ proxy: "environment" }, home, env)).to.equal("/ http://env:1 ALL_PROXY");
  });

  it("takes the variables in curl's order, empty ones for absent, and HTTP_PROXY never", () => {
    const env = { https_proxy: "a:1", HTTPS_PROXY: "b:1", all_proxy: "c:1", ALL_PROXY: "d:1" };
    expect(shown({}, {}, env)).to.contain("//a:1");
    expect(shown({}, {}, { ...env, https_proxy: " " })).to.contain("//b:1");
    expect(shown({}, {}, { ...env, https_proxy: "", HTTPS_PROXY: "" })).to.contain("//c:1");
    expect(shown({}, {}, { HTTP_PROXY: "e:1", http_proxy: "f:1" })).to.equal(undefined);
  });

  it("takes the password that was given, else the URL's, else the variable's", () => {
    const env = { DRAWBRIDGE_PROXY_PASSWORD: "variable" };
    expect(shown({ proxy: "http://ann@line:1" }, {}, env, "given")).to.contain("ann/given ");
    expect(shown({ proxy: "http://ann@line:1" }, {}, env)).to.contain("ann/variable ");
    expect(shown({}, home, env)).to.contain("ann/secret ");
    expect(shown({}, home, env, "given")).to.contain("ann/given ");
  });

  it("refuses a password on the command line, and one without user", async () => {
    const onLine = await thrown(() => proxyWish({ proxy: "http://ann:canary@line:1" }));
    expect(onLine.message + onLine.remedy).to.not.contain("canary");
    expect((await thrown(() => shown({ proxy: "line:1" }, {}, {}, "canary"))).message).to.contain("no user");
  });

  it("has the home's exceptions, else the environment's, the lower-case name first", () => {
    const env = { no_proxy: "a", NO_PROXY: "b" };
    expect(chooseNoProxy({ noProxy: "" }, env)).to.equal("");
    expect(chooseNoProxy({}, env)).to.equal("a");
    expect(chooseNoProxy({}, { ...env, no_proxy: "" })).to.equal("b");
    expect(chooseNoProxy({}, {})).to.equal("");
  });
});
