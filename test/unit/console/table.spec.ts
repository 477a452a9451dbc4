import { expect } from "chai";
import fc from "fast-check";
import { displayWidth, truncate } from "../../../packages/console-cli/src/rendering/display-width.ts";
import { renderTable } from "../../../packages/console-cli/src/rendering/table.ts";
import type { Column } from "../../../packages/console-cli/src/rendering/table.ts";

interface Row {
  readonly name: string;
  readonly note: string;
  readonly links: number;
}

const columns: Column<Row>[] = [
  { header: "NAME", cell: (row) => row.name },
  { header: "LINKS", cell: (row) => String(row.links), align: "right" },
  { header: "NOTE", cell: (row) => row.note },
];
const rows: Row[] = [
  { name: "acme", note: "the first of all tenants that ever was", links: 2 },
  { name: "東京支店", note: "", links: 12 },
];

describe("renderTable", () => {
  it("aligns columns, also with wide letters", () => {
    expect(renderTable(columns, rows)).to.equal(
      ["NAME      LINKS  NOTE", "acme          2  the first of all tenants that ever was", "東京支店     12  "].join(
        "\n",
      ),
    );
  });

  it("cuts the widest column to fit the terminal", () => {
    const lines = renderTable(columns, rows, { width: 30 }).split("\n");
    expect(lines[1]).to.equal("acme          2  the first of…");
    for (const line of lines) expect(displayWidth(line)).to.be.at.most(30);
  });

  it("never cuts a column that is to stay whole", () => {
    const ids: Column<Row>[] = [{ header: "ID", cell: () => "0123456789abcdef", whole: true }, ...columns];
    expect(renderTable(ids, rows, { width: 20 })).to.include("0123456789abcdef");
  });

  it("neutralises what would steer the terminal, in one line a row", () => {
    const text = renderTable(columns, [{ name: "\u001b[2Jx\ny", note: "", links: 0 }]);
    expect(text).to.include("\\x1b[2Jx\\ny");
    expect(text.split("\n")).to.have.length(2);
  });

  it("paints after measuring", () => {
    const painted = [{ ...columns[0]!, paint: (text: string) => `\u001b[32m${text}\u001b[39m` }, columns[1]!];
    expect(renderTable(painted, rows).split("\n")[1]).to.equal("\u001b[32macme    \u001b[39m      2");
  });

  it("fits every terminal of 30 columns and more, whatever the names", () => {
    const row = fc.record({
      name: fc.string({ unit: "binary" }),
      note: fc.string({ unit: "grapheme" }),
      links: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), fc.integer({ min: 30, max: 120 }), (table, width) => {
        for (const line of renderTable(columns, table, { width }).split("\n")) {
          expect(displayWidth(line)).to.be.at.most(width);
        }
      }),
    );
  });
});

describe("truncate", () => {
  it("cuts between letters, never within one", () => {
    expect(truncate("東京支店", 6)).to.equal("東京…");
    expect(truncate("e\u0301e\u0301e\u0301", 2)).to.equal("e\u0301…");
    expect(truncate("abc", 3)).to.equal("abc");
    expect(truncate("abc", 0)).to.equal("");
  });

  it("leaves out what is dispensable before it cuts what is not, the least important first", () => {
    const columns: Column<string>[] = [
      { header: "NAME", cell: (row) => row, whole: true },
      { header: "STATE", cell: () => "online" },
      { header: "VERSION", cell: () => "1.2.3-long-version", dispensable: 2 },
      { header: "GROUPS", cell: () => "north south", dispensable: 1 },
    ];
    const header = (width?: number): string[] =>
      (renderTable(columns, ["acme"], { width }).split("\n")[0] ?? "").split(/ +/).filter(Boolean);
    expect(header()).to.deep.equal(["NAME", "STATE", "VERSION", "GROUPS"]);
    expect(header(45)).to.deep.equal(["NAME", "STATE", "VERSION", "GROUPS"]);
    expect(header(30)).to.deep.equal(["NAME", "STATE", "GROUPS"]);
    expect(header(20)).to.deep.equal(["NAME", "STATE"]);
  });
});
