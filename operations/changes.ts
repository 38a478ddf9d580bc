/** What the engine's own log of a preview tells: what would change, what the policies say, and what went wrong. */

import { lostWith } from "../policies/lost";
import { refusedChanges } from "./storeChanges";

/** From nothing that matters to what loses data. */
export const operations = ["read", "create", "update", "replace", "delete"] as const;
export type Operation = (typeof operations)[number];

export interface Change {
    readonly urn: string;
    readonly name: string;
    readonly type: string;
    readonly operation: Operation | "same";
    /** The URN of what it belongs to. */
    readonly parent?: string;
    /** The inputs that make an update or a replacement necessary. */
    readonly because: readonly string[];
    /** What goes with the old one, where that is replaced or deleted. */
    readonly lost?: string;
}

export interface Violation {
    readonly policy: string;
    readonly message: string;
    readonly isMandatory: boolean;
}

export interface Preview {
    readonly changes: readonly Change[];
    readonly violations: readonly Violation[];
    /** Policies that looked at something and found nothing wrong. */
    readonly passed: readonly string[];
    /** What would be deleted or replaced, and is protected; with what would be lost. */
    readonly kept: readonly { name: string; lost?: string }[];
    /** What the cloud would refuse in the middle of an `up`. */
    readonly refused: readonly string[];
    /** What else went wrong. */
    readonly errors: readonly string[];
    /** Whether there is a log, and to its end. */
    readonly isWhole: boolean;
}

interface ResourceState {
    parent?: string;
    inputs?: Record<string, unknown>;
    outputs?: Record<string, unknown>;
}

interface EngineEvent {
    resourcePreEvent?: {
        metadata: {
            op: string;
            urn: string;
            type: string;
            old: ResourceState | null;
            new: ResourceState | null;
            keys?: string[] | null;
            diffs?: string[] | null;
            detailedDiff?: Record<string, unknown> | null;
        };
    };
    policyEvent?: { resourceUrn?: string; policyName: string; message: string; enforcementLevel: string };
    policyAnalyzeSummaryEvent?: { passed?: string[] };
    policyAnalyzeStackSummaryEvent?: { passed?: string[] };
    diagnosticEvent?: { message: string; severity: string };
}

/** An update of a resource that must be made anew comes as three events; this is what each step of it is called. */
const operationOf: Record<string, Change["operation"] | undefined> = {
    same: "same",
    read: "read",
    create: "create",
    import: "create",
    update: "update",
    delete: "delete",
    replace: "replace",
    "read-replacement": "read",
    "import-replacement": "replace",
};

/** Reads `--event-log`: one JSON object a line. */
export function readPreview(log: string): Preview {
    const changes = new Map<string, Change>();
    const violations: Violation[] = [];
    const passed = new Set<string>();
    const kept = new Map<string, Preview["kept"][number]>();
    const refused: string[] = [];
    const errors: string[] = [];
    const lines = log.split("\n");
    // The engine ends each line: what follows the last end was cut off.
    const torn = lines.pop() ?? "";
    if (torn !== "") {
        errors.push("The engine's log breaks off: what else would change is not known.");
    }
    for (const line of lines.filter((text) => text.trim() !== "")) {
        const event = JSON.parse(line) as EngineEvent;
        const change = changeIn(event);
        if (change !== undefined) {
            changes.set(change.urn, change);
            refused.push(...refusedIn(event));
        }
        if (event.policyEvent) {
            const { policyName, message, enforcementLevel } = event.policyEvent;
            violations.push({ policy: policyName, message: ownWords(plain(message)), isMandatory: enforcementLevel === "mandatory" });
        }
        for (const name of event.policyAnalyzeSummaryEvent?.passed ?? event.policyAnalyzeStackSummaryEvent?.passed ?? []) {
            passed.add(name);
        }
        if (event.diagnosticEvent?.severity === "error") {
            const message = plain(event.diagnosticEvent.message);
            const [, urn] = refusal.exec(message) ?? [];
            if (urn !== undefined) {
                kept.set(urn, { name: nameIn(urn), lost: lostWith(typeIn(urn)) });
            } else {
                errors.push(message);
            }
        }
    }
    const failed = new Set(violations.map(({ policy }) => policy));
    return {
        changes: [...changes.values()],
        violations,
        passed: [...passed].filter((name) => !failed.has(name)).sort(),
        kept: [...kept.values()],
        refused,
        errors,
        isWhole: torn === "" && lines.length > 0,
    };
}

/** How the engine refuses to delete, or to replace, what is protected. */
const refusal = /resource "(urn:[^"]+)"[\s\S]+(?:because it is protected|marked for protection)/;

function refusedIn({ resourcePreEvent }: EngineEvent): string[] {
    const { op, urn = "", type = "", old, new: next } = resourcePreEvent?.metadata ?? {};
    const problems = op === "update" ? refusedChanges(type, { ...old?.inputs, ...old?.outputs }, next?.inputs ?? {}) : [];
    return problems.map((problem) => `\`${nameIn(urn)}\`: ${problem}`);
}

function changeIn({ resourcePreEvent }: EngineEvent): Change | undefined {
    const metadata = resourcePreEvent?.metadata;
    const operation = metadata && operationOf[metadata.op];
    if (metadata === undefined || operation === undefined) {
        return undefined;
    }
    const { urn, type, keys, diffs, detailedDiff } = metadata;
    const because =
        operation === "replace" && keys?.length
            ? keys
            : Object.keys(detailedDiff ?? {}).length
              ? Object.keys(detailedDiff ?? {})
              : (diffs ?? []);
    const isGone = operation === "replace" || operation === "delete";
    return {
        urn,
        type,
        name: nameIn(urn),
        operation,
        parent: (metadata.new ?? metadata.old)?.parent || undefined,
        because,
        lost: isGone ? lostWith(type, metadata.old?.inputs) : undefined,
    };
}

/** A URN has the types of its parents before its own. */
export function typeIn(urn: string): string {
    return String(urn.split("::")[2]?.split("$").at(-1));
}

export function nameIn(urn: string): string {
    return urn.split("::").slice(3).join("::");
}

/** The engine puts the policy's description before the violation. */
function ownWords(message: string): string {
    return message.replace(/^.*\n(?=.)/, "");
}

/** Without the engine's marks for colours. */
function plain(message: string): string {
    return message.replace(/<\{%.*?%\}>/g, "").trim();
}

/** Replacements and deletions that lose something, each with what. */
export function losses({ changes }: Preview): Change[] {
    return changes.filter(({ lost }) => lost !== undefined);
}
