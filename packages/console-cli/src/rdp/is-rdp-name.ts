/** Whether a target is meant to be an RDP server by its name: `rdp`, `rdp2`, `rdp-files`; a free one by its port. */
export const isRdpName = (name: string): boolean =>
  name.includes(":") ? name.endsWith(":3389") : /^rdp([._-]|\d|$)/.test(name);
