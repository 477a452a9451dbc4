import { isatty } from "node:tty";
import type { Output } from "../rendering/index.ts";

/** Whether a person sits there who can be asked: at a terminal that can be drawn on, and `--json` was not given. */
export const canAsk = ({ json }: Pick<Output, "json">): boolean =>
  !json && isatty(0) && isatty(2) && process.env["TERM"] !== "dumb";
