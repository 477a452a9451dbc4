// Runs inside of a network namespace, where the tests themselves cannot dial.
//   serve PORT        echoes on 127.0.0.1:PORT
//   ask PORT TEXT     sends a text to 127.0.0.1:PORT, and prints what comes back until the end
import { connect, createServer } from "node:net";

const [what, port, text] = process.argv.slice(2);

if (what === "serve") {
  createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  }).listen(Number(port), "127.0.0.1", () => console.log("ready"));
} else {
  const socket = connect({ host: "127.0.0.1", port: Number(port), allowHalfOpen: true });
  socket.on("error", (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
  socket.end(text);
  socket.pipe(process.stdout);
}
