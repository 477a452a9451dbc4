import { startProxy, type ProxyProgram, type ProxyRoute } from "./proxy-program.ts";
import type { BackendPorts, Relay } from "./relay.ts";

/** The name in the tables of the one that the bars compare with. */
export const SPLICING = "HAProxy, splicing";

/** HAProxy in TCP mode, with its default number of threads. */
function haproxy(name: string, splicing: boolean): ProxyProgram {
  const route = ({ use, port, backend }: ProxyRoute): string => `
frontend front-${use}
  bind 127.0.0.1:${port}
  default_backend back-${use}
backend back-${use}
  server target 127.0.0.1:${backend}
`;
  const configure = (routes: readonly ProxyRoute[]): string => `
global
  maxconn ${splicing ? 1000 : 6000}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  option tcp-smart-accept
${splicing ? "  option splice-auto" : "  no option splice-auto"}
${routes.map(route).join("")}`;
  return { name, command: "haproxy", configure, args: (file) => ["-db", "-f", file] };
}

/** HAProxy as it is configured unless told otherwise. */
export const startHaproxy = (backends: BackendPorts): Promise<Relay> =>
  startProxy(haproxy("HAProxy, default", false), backends);

/** HAProxy with kernel splicing (`option splice-auto`): the bytes never leave the kernel. */
export const startSplicingHaproxy = (backends: BackendPorts): Promise<Relay> =>
  startProxy(haproxy(SPLICING, true), backends);
