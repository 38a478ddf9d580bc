/** Previews from events in the engine's format. */
import { readPreview } from "../../operations/changes";
import { type Document, documentSchema } from "../../operations/document";
import { report } from "../../operations/report";

export const urn = (type: string, name: string) => `urn:pulumi:online::sms::${type}::${name}`;
export const redis = "alicloud:kvstore/instance:Instance";
export const deployment = "kubernetes:apps/v1:Deployment";

export function step(op: string, type: string, name: string, more: object = {}) {
    return { resourcePreEvent: { metadata: { op, type, urn: urn(type, name), old: null, new: {}, ...more } } };
}

/** The engine's event log: one event per line. */
export function log(...events: object[]): string {
    return `${events.map((event) => JSON.stringify(event)).join("\n")}\n`;
}

export function documentOf(events: object[], more: Partial<Document> = {}): Document {
    return documentSchema.parse({
        ...readPreview(log(...events)),
        format: 1,
        stack: "online",
        against: "state",
        at: "2026-11-29T16:20:31.000Z",
        succeeded: true,
        missing: [],
        unopened: [],
        sealed: {},
        changedSecrets: [],
        leaks: [],
        halfMade: [],
        dependencies: {},
        ...more,
    });
}

export function text(events: object[], more: Partial<Document> = {}): string {
    return report(documentOf(events, more));
}

/** A replacement has three events in the engine's log. */
export const replacement = [
    step("create-replacement", redis, "redis", { keys: ["zoneId"] }),
    step("replace", redis, "redis", { keys: ["zoneId"], detailedDiff: { zoneId: {}, tags: {} } }),
    step("delete-replaced", redis, "redis", { keys: ["zoneId"] }),
];
