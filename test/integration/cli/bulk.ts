import { createCipheriv, createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { expect } from "chai";

const PIECE = Buffer.alloc(256 * 1024);

/** Sends so many bytes that nothing can guess or compress, the same for the same seed, then half-closes. Returns their hash. */
export async function sendBulk(socket: Socket, seed: number, bytes: number): Promise<string> {
  const stream = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16));
  const hash = createHash("sha1");
  for (let sent = 0; sent < bytes; sent += PIECE.length) {
    const piece = stream.update(PIECE.subarray(0, Math.min(PIECE.length, bytes - sent)));
    hash.update(piece);
    if (!socket.write(piece)) await once(socket, "drain");
  }
  socket.end();
  return hash.digest("hex");
}

/** The number of bytes and their hash, once the other side has half-closed. */
export async function receiveBulk(socket: Socket): Promise<{ bytes: number; hash: string }> {
  const hash = createHash("sha1");
  let bytes = 0;
  for await (const piece of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, hash: hash.digest("hex") };
}

/** Sends so many bytes from both ends of a link at once, each ending its own side, and asserts that they arrive unaltered. */
export async function expectBulkUnaltered(near: Socket, far: Socket, bytes: number): Promise<void> {
  const [toFar, toNear, atFar, atNear] = await Promise.all([
    sendBulk(near, 1, bytes),
    sendBulk(far, 2, bytes),
    receiveBulk(far),
    receiveBulk(near),
  ]);
  expect(atFar).to.deep.equal({ bytes, hash: toFar });
  expect(atNear).to.deep.equal({ bytes, hash: toNear });
}
