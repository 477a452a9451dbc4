import { expect } from "chai";
import { RECORD_BYTES, RecordBatch } from "../../../packages/dataplane/src/record-batch.ts";

const record = (fill: string, length = RECORD_BYTES): Buffer => Buffer.alloc(length, fill);

/** What was in a batch, with what it was asked to write. */
function emptied(batch: RecordBatch): string[] {
  const writes: string[] = [];
  batch.empty((bytes, length) => writes.push(bytes.toString("latin1", 0, length)));
  return writes;
}

/** Adds records until it is full. Returns how many. */
function fillUp(batch: RecordBatch): number {
  let count = 0;
  for (; !batch.isFull; count += 1) batch.add(record("a"), RECORD_BYTES);
  return count;
}

describe("RecordBatch", () => {
  it("puts records together, in order, and what follows them", () => {
    const batch = new RecordBatch();
    expect(batch.isEmpty).to.equal(true);
    for (const fill of ["a", "b"]) batch.add(record(fill), RECORD_BYTES);
    batch.add(record("c"), 3);
    expect(batch.isEmpty).to.equal(false);
    expect(emptied(batch)).to.deep.equal([`${"a".repeat(RECORD_BYTES)}${"b".repeat(RECORD_BYTES)}ccc`]);
    expect(batch.isEmpty).to.equal(true);
    expect(emptied(batch)).to.deep.equal([]);
  });

  it("keeps its own copy of what it was given", () => {
    const batch = new RecordBatch();
    const read = record("a");
    batch.add(read, RECORD_BYTES);
    read.fill("b");
    expect(emptied(batch)).to.deep.equal(["a".repeat(RECORD_BYTES)]);
  });

  it("is full as soon as one more record might not fit", () => {
    const batch = new RecordBatch();
    expect(fillUp(batch)).to.equal(16);
    expect(emptied(batch)[0]).to.have.length(16 * RECORD_BYTES);
    batch.add(record("x", 5), 5);
    expect(fillUp(batch)).to.equal(15);
  });

  it("shares no memory with a batch that is in use, and none with one that is being written", () => {
    const [one, other] = [new RecordBatch(), new RecordBatch()];
    one.add(record("1"), RECORD_BYTES);
    other.add(record("2"), RECORD_BYTES);
    one.empty((bytes, length) => {
      new RecordBatch().add(record("3"), RECORD_BYTES);
      one.add(record("4"), RECORD_BYTES);
      expect(bytes.subarray(0, length).equals(record("1"))).to.equal(true);
    });
    expect(emptied(other)).to.deep.equal(["2".repeat(RECORD_BYTES)]);
    expect(emptied(one)).to.deep.equal(["4".repeat(RECORD_BYTES)]);
  });
});
