import { PLAIN } from "./colours.ts";
import type { Colours } from "./colours.ts";
import { displayWidth, truncate } from "./display-width.ts";
import { plainText } from "./terminal-text.ts";

/** One column of a table. */
export interface Column<Row> {
  readonly header: string;
  /** The cell's text. What would steer a terminal is made harmless here. */
  readonly cell: (row: Row) => string;
  /** Default: left. */
  readonly align?: "left" | "right";
  /** Colours a cell that is cut and padded already. Default: none. */
  readonly paint?: (text: string, row: Row) => string;
  /** Whether it is never cut, as an id that is to be copied. Default: false. */
  readonly whole?: boolean;
}

/** How a table is drawn. */
export interface TableOptions {
  /** How many columns the terminal has. Default: no limit, and nothing is cut. */
  readonly width?: number | undefined;
  /** Default: none. */
  readonly colours?: Colours;
}

const GAP = "  ";
const MIN_WIDTH = 4;

/**
 * Draws a table: a header and a line for each row, without borders. Where it does not fit, the widest columns are cut
 * first, with `…`; none gets narrower than 4, so that a very narrow terminal wraps.
 */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions = {},
): string {
  const colours = options.colours ?? PLAIN;
  const cells = rows.map((row) => columns.map((column) => plainText(column.cell(row))));
  const natural = columns.map((column, index) =>
    Math.max(displayWidth(column.header), ...cells.map((line) => displayWidth(line[index] ?? ""))),
  );
  const widths = fit(natural, columns, options.width);
  const drawCell = (text: string, index: number): string => {
    const width = widths[index] ?? 0;
    const short = columns[index]?.whole ? text : truncate(text, width);
    const padding = " ".repeat(Math.max(0, width - displayWidth(short)));
    // Blanks at the end of a line would only wrap.
    if (columns[index]?.align === "right") return padding + short;
    return index === columns.length - 1 ? short : short + padding;
  };
  const header = columns.map((column, index) => colours.bold(drawCell(column.header, index))).join(GAP);
  const body = rows.map((row, line) =>
    columns
      .map((column, index) => {
        const text = drawCell(cells[line]?.[index] ?? "", index);
        return column.paint ? column.paint(text, row) : text;
      })
      .join(GAP),
  );
  return [header, ...body].join("\n");
}

/** Takes from the widest column that may be cut, until all fit or none can give any more. */
function fit<Row>(natural: readonly number[], columns: readonly Column<Row>[], width: number | undefined): number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  let excess = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1) - width;
  while (excess > 0) {
    const cuttable = widths.map((each, index) => (columns[index]?.whole ? 0 : each));
    const widest = Math.max(0, ...cuttable);
    if (widest <= MIN_WIDTH) break;
    widths[cuttable.lastIndexOf(widest)] = widest - 1;
    excess -= 1;
  }
  return widths;
}
