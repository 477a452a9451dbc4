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
  /** How soon the column is left out where the table does not fit: the highest first. Default: never. */
  readonly dispensable?: number;
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
/** A column that is cut to this still says something; only where even that does not fit, columns are left out. */
const USEFUL_WIDTH = 12;

/**
 * Draws a table: a header and a line for each row, without borders. Where it does not fit, dispensable columns are left
 * out, then the widest columns are cut, with `…`; none gets narrower than 4, so that a very narrow terminal wraps.
 */
export function renderTable<Row>(
  allColumns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions = {},
): string {
  const colours = options.colours ?? PLAIN;
  const columns = kept(allColumns, rows, options.width);
  const cells = rows.map((row) => columns.map((column) => plainText(column.cell(row))));
  const natural = columns.map((column) => naturalWidth(column, rows));
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

function naturalWidth<Row>(column: Column<Row>, rows: readonly Row[]): number {
  return rows.reduce(
    (widest, row) => Math.max(widest, displayWidth(plainText(column.cell(row)))),
    displayWidth(column.header),
  );
}

/** The columns that stay in a terminal of this width. */
function kept<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number | undefined,
): readonly Column<Row>[] {
  if (width === undefined) return columns;
  const needed = new Map<Column<Row>, number>();
  for (const column of columns) {
    const natural = naturalWidth(column, rows);
    needed.set(column, GAP.length + (column.whole ? natural : Math.min(natural, USEFUL_WIDTH)));
  }
  const inOrder = columns.filter(isDispensable).sort((a, b) => (b.dispensable ?? 0) - (a.dispensable ?? 0));
  for (const column of inOrder) {
    const sum = [...needed.values()].reduce((total, each) => total + each, -GAP.length);
    if (sum <= width) break;
    needed.delete(column);
  }
  return columns.filter((column) => needed.has(column));
}

const isDispensable = <Row>({ dispensable }: Column<Row>): boolean => dispensable !== undefined;

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
