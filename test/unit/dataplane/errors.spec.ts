import {
  closeReasonError,
  closeReasonFrom,
  DrawbridgeError,
  fromNodeError,
  isErrorCode,
  toDrawbridgeError,
} from "@drawbridge/dataplane";
import { expect } from "chai";

const nodeError = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

describe("errors", () => {
  it("pass through when they are ours", () => {
    const error = new DrawbridgeError("idle", "the session was idle", { remedy: "Connect again." });
    expect(toDrawbridgeError(error)).to.equal(error);
    expect(fromNodeError(error, "x:1", "dial")).to.equal(error);
  });

  it("of an abort are cancelled, or the abort's own reason", () => {
    expect(toDrawbridgeError(new DOMException("stop", "AbortError"))).to.have.property("code", "cancelled");
    const reason = new DrawbridgeError("revoked", "the tenant was revoked");
    expect(toDrawbridgeError(Object.assign(new Error("stop", { cause: reason }), { name: "AbortError" }))).to.equal(
      reason,
    );
  });

  it("of any other kind take the fallback and keep the cause", () => {
    const cause = new TypeError("oops");
    expect(toDrawbridgeError(cause)).to.include({ code: "internal", message: "oops", cause });
    expect(toDrawbridgeError("text", "unavailable")).to.include({ code: "unavailable", message: "text" });
  });

  it("are told from texts that are no code", () => {
    expect(isErrorCode("tenant-offline")).to.equal(true);
    expect(isErrorCode("toString")).to.equal(false);
  });

  it("of dialling say what the address did, and what to do", () => {
    const error = fromNodeError(nodeError("ECONNREFUSED"), "127.0.0.1:3389", "dial");
    expect(error).to.include({ code: "dial-failed", message: "127.0.0.1:3389 refused the connection" });
    expect(error.remedy).to.match(/^Check/);
    const several = new AggregateError([nodeError("ENETUNREACH"), nodeError("ECONNREFUSED")]);
    expect(fromNodeError(several, "x:1", "dial").message).to.equal("x:1 cannot be reached: no route to its network");
    expect(fromNodeError(nodeError("EWHATEVER"), "x:1", "dial").message).to.equal("x:1 cannot be dialled (EWHATEVER)");
  });

  it("of listening have their own codes", () => {
    expect(fromNodeError(nodeError("EADDRINUSE"), "127.0.0.1:443", "listen").code).to.equal("address-in-use");
    expect(fromNodeError(nodeError("EACCES"), "127.0.0.1:443", "listen").code).to.equal("permission-denied");
    expect(fromNodeError(nodeError("EADDRNOTAVAIL"), "192.0.2.1:1", "listen").code).to.equal("invalid-argument");
  });

  it("turn into close reasons and back", () => {
    const reason = closeReasonFrom(fromNodeError(nodeError("ECONNRESET"), "the tenant leg", "transfer"));
    expect(reason).to.deep.equal({ code: "closed", message: "the tenant leg reset the connection" });
    expect(closeReasonError({ ...reason, remedy: "Look." })).to.include({ code: "closed", remedy: "Look." });
  });
});
