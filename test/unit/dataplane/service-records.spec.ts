import { ServiceRecords, type SrvRecord } from "@drawbridge/dataplane";
import { expect } from "chai";

const record = (name: string, priority = 0): SrvRecord => ({ name, port: 443, priority, weight: 5 });
const NAME = "_drawbridge._tcp.provider.example";

describe("service records", () => {
  it("are looked up anew each time", async () => {
    const answers = [[record("a.example")], [record("b.example.")]];
    const records = new ServiceRecords(() => Promise.resolve(answers.shift() ?? []));
    expect(await records.places(NAME)).to.deep.equal([{ address: "a.example:443", priority: 0, weight: 5 }]);
    expect(await records.places(NAME)).to.deep.equal([{ address: "b.example:443", priority: 0, weight: 5 }]);
  });

  it("are the last good ones where a look-up fails or finds nothing", async () => {
    const answers = [() => [record("a.example")], () => [], () => [record(".")]];
    const records = new ServiceRecords(() => {
      const answer = answers.shift();
      return answer === undefined ? Promise.reject(new Error("ESERVFAIL")) : Promise.resolve(answer());
    });
    for (let look = 0; look < 4; look += 1) {
      expect((await records.places(NAME)).map(({ address }) => address)).to.deep.equal(["a.example:443"]);
    }
  });

  it("are none where there was never an answer", async () => {
    expect(await new ServiceRecords(() => Promise.reject(new Error("ENOTFOUND"))).places(NAME)).to.deep.equal([]);
  });

  it("leave out what cannot be dialled", async () => {
    const found = [
      { ...record("a.example"), port: 0 },
      record("bad host"),
      record("x".repeat(300)),
      record("b.example"),
    ];
    const records = new ServiceRecords(() => Promise.resolve(found));
    expect((await records.places(NAME)).map(({ address }) => address)).to.deep.equal(["b.example:443"]);
  });

  it("are at most sixteen, those that are preferred", async () => {
    const found = Array.from({ length: 1_000 }, (_, index) => record(`g${index}.example`, 1_000 - index));
    const places = await new ServiceRecords(() => Promise.resolve(found)).places(NAME);
    expect(places).to.have.length(16);
    expect(places[0]).to.have.property("address", "g999.example:443");
  });

  it("are looked up once for all who ask at the same time", async () => {
    let asked = 0;
    const records = new ServiceRecords(() => Promise.resolve([record(`g${(asked += 1)}.example`)]));
    await Promise.all([records.places(NAME), records.places(NAME)]);
    expect(asked).to.equal(1);
  });
});
