import type { SQLOutputValue } from "node:sqlite";
import { DrawbridgeError } from "@drawbridge/dataplane";

/** A row as node:sqlite returns it. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** A text column. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw unexpected(column, value);
  return value;
}

/** A column that was cast to a blob: the text's bytes as they are in the file. */
export function bytes(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw unexpected(column, value);
  return value;
}

/** An integer column. */
export function bigint(row: Row, column: string): bigint {
  const value = row[column];
  if (typeof value !== "bigint") throw unexpected(column, value);
  return value;
}

/** An integer column whose values are safe as numbers: times, counts, sequence numbers. */
export function integer(row: Row, column: string): number {
  return Number(bigint(row, column));
}

/** An integer column that may be null. */
export function optionalInteger(row: Row, column: string): number | undefined {
  return row[column] === null ? undefined : integer(row, column);
}

/** A text column that holds a JSON array of texts. */
export function textList(row: Row, column: string): string[] {
  const value: unknown = JSON.parse(text(row, column));
  if (!Array.isArray(value)) throw unexpected(column, value);
  return value.map(String);
}

function unexpected(column: string, value: unknown): DrawbridgeError {
  const found = value === null ? "null" : typeof value;
  return new DrawbridgeError("home-invalid", `the store holds a wrong value (${found}) in ${column}`, {
    remedy: "Restore the store from a backup.",
  });
}
