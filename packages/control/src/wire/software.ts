/** What our own redirectors say they are; at most 128 bytes in the contract. */
export const SOFTWARE = "drawbridge/0.1.0";
