/** All that a command needs to print. */
export { formatBytes } from "./bytes.ts";
export type { Colours } from "./colours.ts";
export { formatDuration } from "./duration.ts";
export { causeChain, errorLine, errorRecord, reportError } from "./error-report.ts";
export { LiveView } from "./live-view.ts";
export { Output } from "./output.ts";
export type { OutputOptions, OutputStream } from "./output.ts";
export { formatRelativeTime } from "./relative-time.ts";
export { renderTable } from "./table.ts";
export type { Column, TableOptions } from "./table.ts";
export { plain, plainText } from "./terminal-text.ts";
