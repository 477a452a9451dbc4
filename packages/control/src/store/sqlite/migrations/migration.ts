/** One step of the schema. Once released it never changes; the next step goes into the next file. */
export interface Migration {
  /** From 1, without gaps. */
  readonly version: number;
  /** SQL statements. */
  readonly script: string;
}
