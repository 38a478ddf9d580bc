import { join, resolve } from "node:path";

/** Resolves a path in a stack file. It is relative to the folder of Pulumi.yaml, whatever the current directory is. */
export const atProgram = (path: string) => resolve(join(__dirname, ".."), path);
