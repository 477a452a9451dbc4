/** Whether a target is meant to be an RDP server by its name: `rdp`, `rdp2`, `rdp-files`. */
export const isRdpName = (name: string): boolean => /^rdp([._-]|\d|$)/.test(name);
