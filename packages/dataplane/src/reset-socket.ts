import type { Socket } from "node:net";

/**
 * Closes a TCP socket at once with a reset (RST), so that its peer cannot take a part for the whole. Does nothing to one
 * that is destroyed.
 *
 * One that is about to send its end is closed with that end. All its bytes are with the kernel by then, so this tells its
 * peer the truth; and `resetAndDestroy` would lose the descriptor: libuv's uv_tcp_close_reset refuses while a shutdown is
 * under way (EINVAL), and Node (26.10) then lets go of the handle without closing it, for the rest of the process's life.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  const isShuttingDown = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isShuttingDown) socket.destroy();
  else socket.resetAndDestroy();
}
