/**
 * A preview as data: the output of `npm run preview -- --json`. Main's code renders it as the comment of a pull request, so no markdown
 * of the pull request's author gets into the comment. A preview with `--base` reads the document that the base's own code writes.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { OperationError } from "./operation";
import type { Value } from "./values";

const text = z.string().max(20_000);
const list = z.array(text).max(2000);

const value: z.ZodType<Value> = z.lazy(() =>
    z.union([z.null(), z.boolean(), z.number(), z.string(), z.array(value), z.record(z.string(), value)]),
);

const problem = z.object({ key: text, message: text, fix: text });

const resource = z.object({
    urn: text,
    type: text,
    name: text,
    parent: text.optional(),
    inputs: value,
    nameByChance: text.optional(),
});

const change = z.object({
    urn: text,
    type: text,
    name: text,
    operation: z.enum(["same", "read", "create", "update", "replace", "delete"]),
    parent: text.optional(),
    because: list,
    properties: z.array(z.object({ path: text, from: text.optional(), to: text.optional() })).max(2000),
    isByDesign: z.boolean(),
    lost: text.optional(),
});

export const documentSchema = z.object({
    /** The version of this schema. */
    format: z.literal(1),
    stack: z.string().regex(/^\w[\w.-]{0,99}$/),
    /** The stack is compared to nothing, to its state, or to another commit. */
    against: z.enum(["nothing", "state", "base"]),
    /** The base's commit, if `--base` was given. */
    base: text.optional(),
    /** Why there is no comparison with the requested base. */
    baseProblem: text.optional(),
    /** When the preview ended. */
    at: z.iso.datetime(),
    succeeded: z.boolean(),
    changes: z.array(change).max(2000),
    before: z.array(resource).max(2000),
    after: z.array(resource).max(2000),
    violations: z.array(z.object({ policy: text, message: text, isMandatory: z.boolean() })).max(2000),
    /** Policies that checked a resource and found no violation. */
    passed: list,
    /** Protected resources that the change would delete or replace. */
    kept: z.array(z.object({ name: text, lost: text.optional() })).max(2000),
    refused: list,
    errors: list,
    missing: z.array(problem).max(200),
    /** Pulumi ESC environments that the preview did not open. Their settings are in `missing`. */
    unopened: list,
    /** Encrypted settings, each with a digest of its ciphertext. A changed digest shows a changed secret. */
    sealed: z.record(z.string(), text),
    /** Keys of `sealed` whose digest differs from the base's. */
    changedSecrets: list,
    /** Where placeholder secrets appear in plain text. */
    leaks: list,
    /** URNs of resources that the last `up` created in the cloud but did not finish. */
    halfMade: list,
    /** The URNs that each resource depends on, by its own URN. */
    dependencies: z.record(z.string(), list),
});

export type Document = z.infer<typeof documentSchema>;

/** Reads and validates the document in a file. Throws an OperationError if it is invalid: the file may come from a stranger. */
export function readDocument(file: string): Document {
    let data: unknown;
    try {
        data = JSON.parse(readFileSync(file, "utf8"));
    } catch {
        throw new OperationError("This is no preview's document: it can't be read as JSON.");
    }
    const { success, data: document, error } = documentSchema.safeParse(data);
    if (!success) {
        const [issue] = error.issues;
        throw new OperationError(`This is no preview's document: ${issue?.path.join(".")}: ${issue?.message}`);
    }
    return document;
}
