export { type HomeRole, resolveHome } from "@drawbridge/control/identity";
