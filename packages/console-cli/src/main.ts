// A shell that completes a name must not wait for everything to be loaded.
if (process.argv[2] === "__complete") {
  const { complete } = await import("./completion/complete.ts");
  await complete(process.argv.slice(3));
} else if (process.argv[2] === "__worker") {
  // Not a command: `cloud run` starts its data-plane workers so.
  await import("@drawbridge/dataplane/worker");
} else {
  const { runCommandLine } = await import("./command-line.ts");
  await runCommandLine();
}
