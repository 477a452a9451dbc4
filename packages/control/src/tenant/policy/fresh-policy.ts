import type { TenantTargets } from "../targets.ts";

/**
 * The policy that a fresh enrolment writes: exactly the targets that were named, to every operator of the provider,
 * with comments that say how to ask or deny instead.
 */
export function freshPolicy(targets: TenantTargets, provider: string): string {
  // Quoted, because YAML would read a name such as 1 or null as something else.
  const names = [...targets.keys()].map((name) => JSON.stringify(name));
  return `# Who may open sessions to this machine's targets. Only this file decides: the provider cannot change or skip it.
# After a change: \`drawbridge tenant reload\`, which says whether the file is right (or send SIGHUP to \`tenant run\`).
# A wrong file is refused with its line, and what held before goes on. Open sessions that are not allowed any more end.
#
# The rules are tried in order, and the first that matches decides. Where none matches, the session is denied.
#   decision      allow, ask (a person here: \`drawbridge tenant requests\`, then \`approve\` or \`refuse\`) or deny
# Which sessions a rule is about; what is left out means all:
#   operators     names, as the provider enrolled them; "*" means all
#   roles         operator, admin
#   targets       names from settings.json beside this file
#   hours         when a session may begin: days (mon to sun), from, to, and zone (this machine's if left out);
#                 a \`to\` before \`from\` is on the next day
# What else a rule may say:
#   timeout       ask: how long the question stands, 60s if left out; the provider may wait less
#   max_session   allow, ask: how long a session may last, for example 2h
#   plain_links   allow, ask: never if left out; allow: an operator may ask for links without end-to-end encryption
#                 (\`connect --plain\`). The provider's server can then read and change them, and open them by itself:
#                 only for what is encrypted in another way, and for a provider that you trust with it
#   reason        deny: a text that the operator sees
rules:
  # Every operator of ${provider} may reach the targets that were named at enrolment, at any hour.
  - decision: allow
    operators: ["*"]
    targets: [${names.join(", ")}]

# To be asked each time, put this in place of the rule above:
#  - decision: ask
#    timeout: 45s
#
# Office hours for two people, a person's consent at all other times, and nobody else:
#  - decision: allow
#    operators: [maria, jonas]
#    hours: [{ days: [mon, tue, wed, thu, fri], from: 08:00, to: 18:00, zone: Europe/Berlin }]
#    max_session: 4h
#  - decision: ask
#    operators: [maria, jonas]
#  - decision: deny
#    reason: call us first

# true: a session without a reason (\`drawbridge connect --reason\`) is denied.
require_reason: false

# Free targets: hosts of this network that settings.json does not name (\`connect --target 10.0.0.5:3389\`). Without rules
# here there are none, and the rules above never let anybody reach one. Those here are tried in order like them, and say in
# place of targets:
#   networks      addresses and ranges; every address that a host's name leads to has to be in them. A range does not
#                 open this machine's own addresses: name those by themselves, loopback as 127.0.0.1, 127.0.0.0/8 or "::1"
#   ports         for example [22, 3389, 8000-8010]; like networks, needed to allow or ask
#   names         left out: however the target is written; else only by one of these, for example fileserver.lan, or
#                 "*.lan" for all below
free_targets: []
#  - decision: ask
#    operators: [maria]
#    networks: [10.0.0.0/8, "fd00::/8"]
#    ports: [22, 3389]

# Operators that may come with these keys only, as \`drawbridge operator enroll\` showed them to each; compare over the
# telephone. An operator that is not listed may come with any key that the provider vouches for.
operator_keys: {}
#  maria: SHA256:…
`;
}
