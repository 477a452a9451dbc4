import { startProxy, type ProxyProgram, type ProxyRoute } from "./proxy-program.ts";
import type { BackendPorts, Relay } from "./relay.ts";

const MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

const nginx: ProxyProgram = {
  name: "nginx stream",
  command: "nginx",
  configure: (routes, folder) => `
load_module ${MODULE};
daemon off;
pid ${folder}/pid;
error_log stderr;
worker_processes auto;
events { worker_connections 8000; }
stream {
  access_log off;
  proxy_buffer_size 64k;
${routes.map(({ port, backend }: ProxyRoute) => `  server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${backend}; }`).join("\n")}
}
`,
  args: (file, folder) => ["-p", folder, "-e", "stderr", "-c", file],
};

/** nginx's stream module, with buffers of 64 KiB. */
export const startNginx = (backends: BackendPorts): Promise<Relay> => startProxy(nginx, backends);
