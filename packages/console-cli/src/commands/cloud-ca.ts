import { Command } from "@commander-js/extra-typings";
import { caStage, prepareCa, retireCa, switchCa } from "@drawbridge/control/cloud";
import { commandNamed } from "../common-options.ts";
import { plain } from "../rendering/index.ts";
import { runCommand } from "../run-command.ts";

interface Step {
  name: string;
  description: string;
  run: (home: string) => Promise<void>;
  /** What to do afterwards. */
  next: string;
}

const RESTART = "Restart `drawbridge cloud run`, so that it takes effect.";

const STEPS: Step[] = [
  {
    name: "prepare",
    description: "make the next CA; tenants and operators learn to trust it as they renew their certificates",
    run: prepareCa,
    next: `${RESTART} Once every principal has renewed (after one certificateLife, 90 days by default, the rest have expired): drawbridge cloud ca switch`,
  },
  {
    name: "switch",
    description: "let the next CA issue; the old one stays trusted",
    run: switchCa,
    next: `${RESTART} Make pending invite codes anew. After one certificateLife again: drawbridge cloud ca retire`,
  },
  { name: "retire", description: "trust the old CA no longer", run: retireCa, next: RESTART },
];

/** `drawbridge cloud ca …`: replaces the provider's CA without cutting anybody off. */
export function cloudCaCommand(): Command {
  const ca = new Command("ca").description("replace the provider's CA, in three steps, without cutting anybody off");
  for (const { name, description, run, next } of STEPS) {
    ca.addCommand(
      commandNamed(name, description).action((options) =>
        runCommand(options, async ({ output, home }) => {
          await run(home("cloud"));
          const stage = await caStage(home("cloud"));
          output.result({ event: "ca", step: name, stage, next }, plain`Done: the home is ${stage}. ${next}`);
        }),
      ),
    );
  }
  return ca;
}
