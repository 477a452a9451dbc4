/** Checks an option's text as `parse` does, and keeps it as it is written. For commander: what is wrong is wrong use. */
export const asWritten =
  (parse: (text: string) => unknown) =>
  (text: string): string => {
    parse(text);
    return text;
  };
