/** The most that a TLS record holds (RFC 8446, section 5.1). After a full one comes another, as a rule. */
export const RECORD_BYTES = 16_384;

const BATCH_BYTES = 16 * RECORD_BYTES;
/** Memories that no batch uses and that are kept for the next. */
const MOST_SPARE = 8;
const spare: Buffer[] = [];

/**
 * Puts records of one TLS source together. Node hands them over one by one, and a write for each costs several times what
 * the copy into this costs, here and at whoever reads it.
 *
 * It has memory only while something is in it. (Node could be told after each read where to put the next record, and
 * nothing would be copied. But it does not hear that when an exception of somebody else's falls into the same moment; then
 * one link would be written into the memory of another.)
 */
export class RecordBatch {
  #memory: Buffer | undefined;
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Whether another record might not fit. */
  get isFull(): boolean {
    return this.#length > BATCH_BYTES - RECORD_BYTES;
  }

  /** Copies one record, which is at the beginning of `bytes`. The batch must not be full. */
  add(bytes: Buffer, length: number): void {
    this.#memory ??= spare.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
    bytes.copy(this.#memory, this.#length, 0, length);
    this.#length += length;
  }

  /** Hands over what is in it, if there is anything, to somebody who must not keep it. */
  empty(write: (bytes: Buffer, length: number) => void): void {
    const [memory, length] = [this.#memory, this.#length];
    if (memory === undefined) return;
    this.#memory = undefined;
    this.#length = 0;
    write(memory, length);
    if (spare.length < MOST_SPARE) spare.push(memory);
  }
}
