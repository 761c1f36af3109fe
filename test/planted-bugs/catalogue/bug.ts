/** What a planted bug is: a sentence, and where in the shipped source it takes a kept promise away. */
export type Edit = {
  /** From the repository's root. */
  readonly file: string;
  /** Stands in the file exactly once, or the bug cannot be put in. */
  readonly find: string;
  readonly put: string;
};

export type Bug = { readonly says: string; readonly edits: readonly Edit[] };

export type Bugs = Readonly<Record<string, Bug>>;

/** Edits of one file. */
export const at = (file: string, ...edits: readonly (readonly [find: string, put: string])[]): Edit[] =>
  edits.map(([find, put]) => ({ file, find, put }));
