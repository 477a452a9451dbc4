/**
 * The data plane: legs, their pairing and their splice, and how machines reach each other. It knows no gRPC.
 *
 * - At the provider: {@link Rendezvous} pairs and splices legs; {@link FrontDoor} is the one public port; {@link CloudGateway} is
 *   the same without keys.
 * - At both ends: {@link Reach} and {@link Gateways} dial; {@link dialLeg} sends the preface with a {@link HandshakeToken};
 *   {@link encryptRemoteLeg} and {@link acceptTenantLeg} encrypt from end to end; {@link splice} copies.
 * - For all: {@link DrawbridgeError}, {@link CloseReason}, addresses and clocks.
 *
 * @module
 */
export * from "./address.ts";
export * from "./address-ranges.ts";
export * from "./clock.ts";
export { CountByKey } from "./count-by-key.ts";
export type { CloudHealth, GatewayCloud } from "./cloud-choice.ts";
export * from "./cloud-gateway.ts";
export * from "./close-reason.ts";
export * from "./dial.ts";
export * from "./end-to-end-tls.ts";
export * from "./errors.ts";
export * from "./front-door.ts";
export * from "./handshake-token.ts";
export * from "./gateway-address.ts";
export type { GatewayNote } from "./gateway-note.ts";
export * from "./gateways.ts";
export { formatIp, ipBytes } from "./ip-bytes.ts";
export { dialLeg } from "./leg.ts";
export { LEG_ALPN, type LegTrust } from "./leg-trust.ts";
export type { LinkCounts, LinkEnd, LinkReservation, LinkSetUp, LinkState, Pairing } from "./link.ts";
export * from "./node-error.ts";
export { isWithoutProxy } from "./no-proxy.ts";
export * from "./pairing-table.ts";
export * from "./peer-address.ts";
export * from "./preface.ts";
export { dialProxy } from "./proxy-dial.ts";
export * from "./proxy.ts";
export * from "./proxy-protocol.ts";
export * from "./reach.ts";
export { Rendezvous, type RendezvousStats } from "./rendezvous.ts";
export type { Refusal, RendezvousOptions } from "./rendezvous-options.ts";
export { resolveSrv, type ResolveSrv, ServiceRecords, type SrvRecord } from "./service-records.ts";
export * from "./splice.ts";
export { OwnSplicer, type Splicer } from "./splicer.ts";
export { resolveHost } from "./resolve-host.ts";
export { refuseForbiddenTarget } from "./target-guard.ts";
export { SpliceWorkers, type SpliceWorkersOptions, type SpliceWorkersStats } from "./workers/splice-workers.ts";
export type { WorkerEnd } from "./workers/worker-process.ts";
export type { WorkerProgram } from "./workers/worker-program.ts";
export { gatewayOf, setGatewayOf } from "./through-gateway.ts";
