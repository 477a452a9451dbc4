import { spawn } from "node:child_process";
import { constants } from "node:os";
import { clearInterval, setInterval } from "node:timers";

const TAIL_CHARACTERS = 16_384;
const PARENT_LOOK_MS = 500;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a program to its end with this process's terminal, and resolves to its exit code (128 plus the number of the signal
 * that ended it) and the end of its error output, which is shown as well; `quiet` hides its standard output, and
 * `onStart` gets its process id. Never rejects; 127 when it cannot be started.
 */
export function run(command, args, { quiet = false, onStart, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", quiet ? "ignore" : "inherit", "pipe"] });
    if (child.pid !== undefined) onStart?.(child.pid);
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      process.stderr.write(text);
      errors = (errors + text).slice(-TAIL_CHARACTERS);
    });
    child.on("error", (error) => resolve({ code: 127, errors: error.message }));
    child.on("close", (code, signal) => resolve({ code: exitCode(code, signal), errors }));
  });
}

/**
 * Hands the rest of this process over to another program: its terminal, signals and exit code. An IPC channel ties the
 * two, so that the program can notice when this process was killed.
 *
 * npm passes a signal on to the shell that it started, which dies of it and tells nobody: so under npm the end of the
 * shell counts as SIGTERM.
 */
export function handOver(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ["inherit", "inherit", "inherit", "ipc"] });
    const forward = (signal) => void child.kill(signal);
    for (const signal of SIGNALS) process.on(signal, forward);
    const shell = process.ppid;
    const look = setInterval(() => process.ppid !== shell && forward("SIGTERM"), PARENT_LOOK_MS);
    if (process.env.npm_lifecycle_event === undefined) clearInterval(look);
    const end = (code) => {
      clearInterval(look);
      for (const signal of SIGNALS) process.off(signal, forward);
      resolve(code);
    };
    child.on("error", (error) => {
      console.error(`${command} could not be started: ${error.message}`);
      end(127);
    });
    child.on("exit", (code, signal) => end(exitCode(code, signal)));
  });
}

function exitCode(code, signal) {
  return code ?? 128 + (constants.signals[signal] ?? 0);
}
