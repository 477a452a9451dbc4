import { DrawbridgeError } from "@drawbridge/dataplane";

/** The DrawbridgeError that the work throws or rejects with; anything else, or nothing, fails the test. */
export async function thrown(work: () => unknown): Promise<DrawbridgeError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DrawbridgeError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
