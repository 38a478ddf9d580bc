/** The stack's components and their dependencies as a Mermaid flowchart. Each box counts the changes in its component. */
import { type Change, type Kind, kindOf, kinds, marks } from "./changes";
import type { Document } from "./document";

/** Not drawn: Pulumi's own types only group or connect, and every resource depends on the namespace. Their arrows would hide the others. */
const undrawn = /^(pulumi:|kubernetes:core\/v1:Namespace$)/;
/** Every workload waits until NetworkPolicies protect the namespace. This is only an order, so no arrow is drawn. */
const onlyFirst = /^sms:networkPolicies:/;

export function picture({ changes, dependencies }: Pick<Document, "changes" | "dependencies">): string {
    const boxes = boxesOf(changes);
    const arrows = withoutDetours(arrowsBetween(boxes, dependencies));
    // Boxes without an arrow come last, so that no arrow crosses them.
    const isTied = ({ id }: Box) => arrows.some((arrow) => arrow.includes(id));
    const shapes = [...boxes.filter(isTied), ...boxes.filter((box) => !isTied(box))].map(({ id, name, members }) => {
        const lines = [label(name), ...noteOf(members)];
        return `    ${id}["${lines.join("<br/>")}"]:::${gravest(members)}`;
    });
    return ["flowchart LR", ...shapes, ...arrows.map(([from, to]) => `    ${from} --> ${to}`), ...styles(boxes)].join("\n");
}

interface Box {
    readonly id: string;
    readonly name: string;
    readonly members: readonly Change[];
}

/** One box for each resource without a parent, with all its descendants. */
function boxesOf(changes: readonly Change[]): Box[] {
    const drawn = changes.filter(({ type }) => !undrawn.test(type));
    const byUrn = new Map(drawn.map((change) => [change.urn, change]));
    const boxes = new Map<string, Change[]>();
    for (const change of drawn) {
        const top = topOf(change, byUrn);
        boxes.set(top.urn, [...(boxes.get(top.urn) ?? []), change]);
    }
    return [...boxes.entries()]
        .sort(([a], [b]) => (nameOf(byUrn, a) < nameOf(byUrn, b) ? -1 : 1))
        .map(([urn, members], index) => ({ id: `c${index}`, name: nameOf(byUrn, urn), members }));
}

function topOf(change: Change, byUrn: ReadonlyMap<string, Change>): Change {
    const parent = byUrn.get(change.parent ?? "");
    return parent === undefined ? change : topOf(parent, byUrn);
}

function nameOf(byUrn: ReadonlyMap<string, Change>, urn: string): string {
    return byUrn.get(urn)?.name ?? "";
}

/** Each arrow points from a box to a box that depends on it. */
function arrowsBetween(boxes: readonly Box[], dependencies: Document["dependencies"]): [string, string][] {
    const meaning = boxes.filter(({ members }) => !members.some(({ type }) => onlyFirst.test(type)));
    const boxOf = new Map(meaning.flatMap(({ id, members }) => members.map(({ urn }) => [urn, id] as const)));
    const found = new Set<string>();
    for (const [urn, needed] of Object.entries(dependencies)) {
        for (const other of needed) {
            const [from, to] = [boxOf.get(other), boxOf.get(urn)];
            if (from !== undefined && to !== undefined && from !== to) {
                found.add(`${from} ${to}`);
            }
        }
    }
    return [...found].sort().map((pair) => pair.split(" ") as [string, string]);
}

/** Removes each arrow whose target other arrows reach as well. */
function withoutDetours(arrows: readonly [string, string][]): [string, string][] {
    const next = new Map<string, string[]>();
    for (const [from, to] of arrows) {
        next.set(from, [...(next.get(from) ?? []), to]);
    }
    const reaches = (from: string, to: string, seen: Set<string>): boolean =>
        (next.get(from) ?? []).some((step) => step === to || (!seen.has(step) && reaches(step, to, seen.add(step))));
    return arrows.filter(([from, to]) => !(next.get(from) ?? []).some((step) => step !== to && reaches(step, to, new Set([from, step]))));
}

/** The most dangerous kind of change in a box. It gives the box its colour. */
function gravest(members: readonly Change[]): Kind {
    return kinds[Math.max(...members.map((member) => kinds.indexOf(kindOf(member))))] ?? "same";
}

/** `+ 2 ~ 1`: how many of the box's resources change, and how. */
function noteOf(members: readonly Change[]): string[] {
    const counts = [...kinds]
        .reverse()
        .map((kind) => ({ kind, count: members.filter((member) => kindOf(member) === kind).length }))
        .filter(({ kind, count }) => count > 0 && marks[kind] !== "")
        .map(({ kind, count }) => `${marks[kind]} ${count}${kind === "replace" || kind === "delete" ? ` ${kind.toUpperCase()}` : ""}`);
    return counts.length === 0 ? [] : [counts.join(" ")];
}

const colours: Readonly<Record<Kind, string>> = {
    same: "fill:#f6f8fa,stroke:#d1d9e0,color:#59636e",
    read: "fill:#f6f8fa,stroke:#d1d9e0,color:#59636e",
    update: "fill:#fff8c5,stroke:#9a6700,color:#1f2328",
    create: "fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    design: "fill:#fff8c5,stroke:#9a6700,color:#1f2328",
    replace: "fill:#ff8182,stroke:#a40e26,color:#1f2328",
    delete: "fill:#ffcecb,stroke:#a40e26,color:#1f2328,stroke-dasharray:4",
};

function styles(boxes: readonly Box[]): string[] {
    const used = new Set(boxes.map(({ members }) => gravest(members)));
    return kinds.filter((kind) => used.has(kind)).map((kind) => `    classDef ${kind} ${colours[kind]}`);
}

/** Replaces characters that have a meaning in Mermaid or HTML. */
function label(text: string): string {
    return text.replace(/[^\p{L}\p{N} ._:/-]/gu, "?").slice(0, 60);
}
