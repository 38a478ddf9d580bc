/** Reads the engine's event log of a preview: changes, policy results and errors. */

import { lostWith } from "../policies/lost";
import { isByDesign } from "./replacements";
import { comparable, type Resource, withImages } from "./resources";
import { refusedChanges } from "./storeChanges";
import { type PropertyChange, propertyChanges, shown, textOf, valueAt } from "./values";

/** The kinds of change, from harmless to dangerous. A replacement by design loses no data and interrupts no service. */
export const kinds = ["same", "read", "update", "create", "design", "replace", "delete"] as const;
export type Kind = (typeof kinds)[number];

/** The engine's own marks. */
export const marks: Readonly<Record<Kind, string>> = {
    same: "",
    read: ">",
    update: "~",
    create: "+",
    design: "+-",
    replace: "+-",
    delete: "-",
};

export function kindOf({ operation, isByDesign }: Pick<Change, "operation" | "isByDesign">): Kind {
    return operation === "replace" && isByDesign ? "design" : operation;
}

export interface Change {
    readonly urn: string;
    readonly name: string;
    readonly type: string;
    readonly operation: "same" | "read" | "create" | "update" | "replace" | "delete";
    /** The parent's URN. */
    readonly parent?: string;
    /** The inputs that make a replacement necessary. */
    readonly because: readonly string[];
    /** The properties that an update or a replacement changes. */
    readonly properties: readonly PropertyChange[];
    /** True for a replacement that is this resource's normal way to change. It loses no data and interrupts no service. */
    readonly isByDesign: boolean;
    /** The data that a replacement or a deletion loses. */
    readonly lost?: string;
}

interface Violation {
    readonly policy: string;
    readonly message: string;
    readonly isMandatory: boolean;
}

export interface Preview {
    readonly changes: readonly Change[];
    /** The existing resources, according to the engine's state. */
    readonly before: readonly Resource[];
    /** The resources after an `up`. */
    readonly after: readonly Resource[];
    readonly violations: readonly Violation[];
    /** Policies that checked a resource and found no violation. */
    readonly passed: readonly string[];
    /** Protected resources that the change would delete or replace, each with the data that it would lose. */
    readonly kept: readonly { name: string; lost?: string }[];
    /** Changes that the cloud would refuse in the middle of an `up`. */
    readonly refused: readonly string[];
    /** All other errors. */
    readonly errors: readonly string[];
    /** Whether the log exists and is complete. */
    readonly isWhole: boolean;
}

interface ResourceState {
    parent?: string;
    inputs?: Record<string, unknown>;
    outputs?: Record<string, unknown>;
}

interface Metadata {
    op: string;
    urn: string;
    type: string;
    old: ResourceState | null;
    new: ResourceState | null;
    keys?: string[] | null;
    diffs?: string[] | null;
    detailedDiff?: Record<string, unknown> | null;
}

interface EngineEvent {
    resourcePreEvent?: { metadata: Metadata };
    policyEvent?: { resourceUrn?: string; policyName: string; message: string; enforcementLevel: string };
    policyAnalyzeSummaryEvent?: { passed?: string[] };
    policyAnalyzeStackSummaryEvent?: { passed?: string[] };
    diagnosticEvent?: { message: string; severity: string };
}

/** The change that each step of the engine belongs to. A replacement has three events; one of them counts. */
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

/** Reads the file of `--event-log`: one JSON object per line. */
export function readPreview(log: string): Preview {
    const steps = new Map<string, Metadata>();
    const violations: Violation[] = [];
    const passed = new Set<string>();
    const kept = new Map<string, Preview["kept"][number]>();
    const refused: string[] = [];
    const errors: string[] = [];
    const lines = log.split("\n");
    // The engine ends each line with a line break. Text after the last one is a truncated line.
    const torn = lines.pop() ?? "";
    if (torn !== "") {
        errors.push("The engine's log is incomplete, so further changes are unknown.");
    }
    for (const line of lines.filter((text) => text.trim() !== "")) {
        const event = JSON.parse(line) as EngineEvent;
        const step = event.resourcePreEvent?.metadata;
        if (step !== undefined && operationOf[step.op] !== undefined) {
            steps.set(step.urn, step);
            refused.push(...refusedIn(step));
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
    const all = inOrder([...steps.values()]);
    const before = all.flatMap((step) => resourceIn(step, step.old));
    const after = withImages(all.filter(({ op }) => op !== "delete").flatMap((step) => resourceIn(step, step.new)));
    return {
        changes: all.map((step) => changeIn(step, before, after)),
        before,
        after,
        violations,
        passed: [...passed].filter((name) => !failed.has(name)).sort(),
        kept: [...kept.values()],
        refused,
        errors,
        isWhole: torn === "" && lines.length > 0,
    };
}

/** The engine's message when it refuses to delete or replace a protected resource. */
const refusal = /resource "(urn:[^"]+)"[\s\S]+(?:because it is protected|marked for protection)/;

function refusedIn({ op, urn, type, old, new: next }: Metadata): string[] {
    const problems = op === "update" ? refusedChanges(type, { ...old?.inputs, ...old?.outputs }, next?.inputs ?? {}) : [];
    return problems.map((problem) => `\`${nameIn(urn)}\`: ${problem}`);
}

function resourceIn({ urn, type }: Metadata, state: ResourceState | null): Resource[] {
    return state === null
        ? []
        : [comparable({ urn, type, name: nameIn(urn), parent: state.parent || undefined, inputs: shown(state.inputs ?? {}) })];
}

function changeIn(step: Metadata, before: readonly Resource[], after: readonly Resource[]): Change {
    const { urn, type } = step;
    const operation = operationOf[step.op] ?? "same";
    const [old, next] = [before, after].map((side) => side.find((resource) => resource.urn === urn));
    const isGone = operation === "replace" || operation === "delete";
    const isChanged = operation === "replace" || operation === "update";
    return {
        urn,
        type,
        name: nameIn(urn),
        operation,
        parent: (step.new ?? step.old)?.parent || undefined,
        because: operation === "replace" ? (step.keys ?? []) : [],
        properties: isChanged ? propertiesIn(step, old, next) : [],
        isByDesign: operation === "replace" && isByDesign(type, (next ?? old)?.nameByChance),
        lost: isGone ? lostWith(type, step.old?.inputs) : undefined,
    };
}

/** The inputs that the program changes. If there are none, the differences that the engine found in the cloud or in secrets. */
function propertiesIn({ old, new: next, detailedDiff, diffs }: Metadata, before?: Resource, after?: Resource): readonly PropertyChange[] {
    const said = before && after ? propertyChanges(before.inputs, after.inputs) : [];
    if (said.length > 0) {
        return said;
    }
    const paths = Object.keys(detailedDiff ?? {}).length > 0 ? Object.keys(detailedDiff ?? {}) : (diffs ?? []);
    return [...paths].sort().map((path) => {
        const [from, to] = [shown(old?.outputs ?? old?.inputs), shown(next?.inputs)].map((side) => textOf(valueAt(side, path)));
        return { path, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    });
}

/** Sorts by name. The engine works in parallel, so its order differs between runs. */
export function inOrder<T extends { urn: string }>(all: readonly T[]): T[] {
    const key = ({ urn }: T) => `${nameIn(urn)} ${urn}`;
    return [...all].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** The resource's own type: in a URN the types of its parents stand before it. */
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

/** Replacements and deletions that lose data. */
export function losses(changes: readonly Change[]): Change[] {
    return changes.filter(({ lost }) => lost !== undefined);
}
