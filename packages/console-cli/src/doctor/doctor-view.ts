import type { HomeRole } from "../home.ts";
import { causeChain, plain, type Output } from "../rendering/index.ts";
import { conclusionText, type Conclusion } from "./conclusion.ts";
import type { Step, StepOutcome, StepResult } from "./step.ts";

const TITLE_WIDTH = 28;

/** Shows an examination: a line a step as it goes, or a JSON object a step and one at the end. */
export class DoctorView {
  readonly #output: Output;
  readonly #verbose: boolean;

  /** @param verbose whether what failed is told with its causes, on standard error */
  constructor(output: Output, verbose: boolean) {
    this.#output = output;
    this.#verbose = verbose;
  }

  /** A role's examination begins. */
  role(role: HomeRole, folder: string): void {
    this.#output.text(this.#output.colours.bold(plain`${role} in ${folder}`));
  }

  begin({ title, subject }: Pick<Step<never, unknown>, "title" | "subject">): void {
    this.#output.status.update(subject === undefined ? `checking ${title} …` : `checking ${title} of ${subject} …`);
  }

  result(role: HomeRole, result: StepResult): void {
    const { step, title, subject, outcome, ms, text, remedy, code, details, error } = result;
    this.#output.status.clear();
    const { colours } = this.#output;
    const paint: Record<StepOutcome, (shown: string) => string> = {
      ok: colours.green,
      warning: colours.yellow,
      failed: colours.red,
      skipped: colours.dim,
    };
    const name = (subject === undefined ? title : `${title} ${subject}`).padEnd(TITLE_WIDTH);
    const time = outcome === "skipped" ? "" : `${ms} ms`;
    const head = plain`${name} ${time.padStart(9)}`;
    const advice = remedy === "" || outcome === "ok" ? "" : plain`. ${remedy}`;
    this.#output.result(
      { event: "step", role, step, subject, outcome, ms, text, remedy, code, ...details },
      `  ${paint[outcome](outcome.padEnd(8))}${head}  ${plain`${text}`}${advice}`,
    );
    if (!this.#verbose || error === undefined) return;
    for (const cause of causeChain(error)) this.#output.note(this.#output.errorColours.dim(cause));
  }

  /** @param role whose step it was that failed first; undefined: none failed */
  conclusion(conclusion: Conclusion, role: HomeRole | undefined): void {
    const { counts, first, exitCode } = conclusion;
    const named = first && { role, step: first.step, subject: first.subject, code: first.code, text: first.text };
    this.#output.status.clear();
    this.#output.result(
      { event: "summary", ...counts, exitCode, first: first && { ...named, remedy: first.remedy } },
      conclusionText(conclusion)
        .split("\n")
        .map((line) => plain`${line}`)
        .join("\n"),
    );
  }
}
