/** A preview as markdown: for a pull request's comment, and for people at a terminal. */
import type { Problem } from "../settings/problems";
import { type Change, losses, nameIn, type Operation, operations, type Preview } from "./changes";

export interface ReportArgs {
    readonly stack: string;
    readonly preview: Preview;
    /** By URN: what each resource needs to be there before. */
    readonly dependencies: Readonly<Record<string, readonly string[]>>;
    /** What the stack is compared to. */
    readonly against: "nothing" | "state";
    readonly missing: readonly Problem[];
    /** Where made-up secrets came out in plain. */
    readonly leaks: readonly string[];
    /** URNs of what the last `up` made in the cloud and didn't finish. */
    readonly halfMade: readonly string[];
    readonly succeeded: boolean;
}

/** The first line of the comment, by which the next preview finds it. */
export function marker(stack: string): string {
    return `<!-- sms preview of ${stack} -->`;
}

/** GitHub takes 65,536 characters. */
const longest = 60_000;

export function report(args: ReportArgs): string {
    const { stack, preview, succeeded } = args;
    const real = preview.changes.filter(isReal);
    const parts = [
        marker(stack),
        `## Preview of \`${stack}\`: ${succeeded ? summary(real) : "**refused**"}`,
        halfMadeWarning(args),
        lossWarning(preview),
        passwordWarning(preview),
        refusals(args),
        table(real),
        comparison(args),
        policies(preview),
        stillToSet(args.missing),
        `<details><summary>Picture</summary>\n\n\`\`\`mermaid\n${picture(preview.changes, args.dependencies)}\n\`\`\`\n\n</details>`,
    ];
    const text = parts.filter((part) => part !== "").join("\n\n");
    return text.length <= longest
        ? `${text}\n`
        : `${parts
              .slice(0, -1)
              .filter((part) => part !== "")
              .join("\n\n")
              .slice(0, longest)}\n`;
}

/** Components only group, and providers only connect: neither is anything in the cloud. */
function isReal({ type }: Change): boolean {
    return !/^(pulumi|sms):/.test(type);
}

const words: Record<Operation, { done: string; mark: string }> = {
    create: { done: "to create", mark: "+" },
    update: { done: "to update", mark: "~" },
    replace: { done: "to **REPLACE**", mark: "+-" },
    delete: { done: "to **DELETE**", mark: "-" },
    read: { done: "to read", mark: ">" },
};

function summary(changes: readonly Change[]): string {
    const counted = operations
        .map((operation) => ({ operation, count: changes.filter((change) => change.operation === operation).length }))
        .filter(({ count }) => count > 0)
        .map(({ operation, count }) => `${count} ${words[operation].done}`);
    return counted.length === 0 ? "no changes" : counted.join(", ");
}

/** What a preview says of them is wrong: the state has next to nothing to compare with. */
function halfMadeWarning({ halfMade, stack }: ReportArgs): string {
    const lines = halfMade.map(
        (urn) =>
            `> **\`${nameIn(urn)}\` was made but not finished**, and this preview doesn't know what is there. \`npm run deploy -- --stack ${stack}\` reads it from the cloud first, and then finishes it. Before a plain \`pulumi up\`: \`pulumi refresh --target '${urn}' --stack ${stack}\`.`,
    );
    return lines.length === 0 ? "" : ["> [!WARNING]", ...lines].join("\n");
}

function lossWarning(preview: Preview): string {
    const lines = losses(preview).map(({ name, type, operation, because, lost }) => {
        const reason = because.length > 0 ? ` because of ${because.map((path) => `\`${path}\``).join(", ")}` : "";
        return `> **${operation.toUpperCase()} of \`${name}\`** (${shortType(type)})${reason}: **loses ${lost}.**`;
    });
    return lines.length === 0 ? "" : ["> [!CAUTION]", ...lines].join("\n");
}

/** A volume keeps the password that it was made with, whatever its server is started with. */
function passwordWarning({ changes }: Preview): string {
    const secret = changes.find(({ name, type }) => name === "mongo-secret" && type === "kubernetes:core/v1:Secret");
    return secret?.operation === "replace" || secret?.operation === "update"
        ? '> [!WARNING]\n> **`sms:mongoPassword` changes**, and MongoDB\'s volume keeps the old password: change it in MongoDB first (docs/going-online.md, "Rotating passwords"). Otherwise the check of the stores ends the `up`.'
        : "";
}

function refusals({ preview, leaks }: ReportArgs): string {
    const mandatory = preview.violations.filter(({ isMandatory }) => isMandatory).map(({ policy, message }) => `\`${policy}\`: ${message}`);
    const leaked = leaks.map((where) => `\`secrets-as-secrets\`: ${where}`);
    const errors = preview.errors.map((message) => `\n\n\`\`\`\n${message.slice(0, 5000)}\n\`\`\``);
    const protection = preview.kept.map(({ name, lost }) => {
        const reason = lost === undefined ? "" : `, as that loses ${lost}`;
        return `\`protect\`: \`${name}\` is neither deleted nor replaced${reason}; on purpose: docs/going-online.md, "Taking it down"`;
    });
    const list = [...mandatory, ...protection, ...preview.refused, ...leaked].map((line) => `- ${oneLine(line)}`);
    return [list.length > 0 ? `**Not allowed:**\n${list.join("\n")}` : "", ...errors].filter((part) => part !== "").join("\n\n");
}

/** Sorted with what is dangerous first. */
function table(changes: readonly Change[]): string {
    const rows = [...operations].reverse().flatMap((operation) => {
        const affected = changes.filter((change) => change.operation === operation);
        const types = [...new Set(affected.map(({ type }) => type))].sort();
        return types.map((type) => {
            const names = affected.filter((change) => change.type === type).map(({ name }) => `\`${name}\``);
            const isLoss = operation === "replace" || operation === "delete";
            const what = isLoss ? `**${operation.toUpperCase()}**` : operation;
            return `| ${words[operation].mark} ${what} | ${shortType(type)} | ${names.length} | ${names.join(", ")} |`;
        });
    });
    return rows.length === 0 ? "" : ["| | what | how many | which |", "|---|---|---|---|", ...rows].join("\n");
}

function comparison({ against }: ReportArgs): string {
    return against === "state"
        ? "Compared to the stack's state in the backend."
        : "Without access to the cloud: compared to nothing, so this is the whole environment as an empty account would get it.";
}

function policies({ passed, violations }: Preview): string {
    const broken = new Set(violations.filter(({ isMandatory }) => isMandatory).map(({ policy }) => policy));
    const advice = violations
        .filter(({ isMandatory }) => !isMandatory)
        .map(({ policy, message }) => `- \`${policy}\`: ${oneLine(message)}`);
    const verdict = `Policies: ${passed.length} passed${broken.size > 0 ? `, **${broken.size} broken**` : ""}.`;
    return [verdict, ...advice].join("\n");
}

function stillToSet(missing: readonly Problem[]): string {
    if (missing.length === 0) {
        return "";
    }
    const lines = missing.map(({ key, fix }) => `- \`${key}\`: \`${fix}\``);
    return `**Still to be set** before an \`up\` (placeholders stand in here):\n${lines.join("\n")}`;
}

function oneLine(text: string): string {
    return text.replace(/\s*\n\s*/g, " ");
}

/** `kubernetes:apps/v1:Deployment` is `Deployment`, `alicloud:kvstore/instance:Instance` is `kvstore.Instance`. */
export function shortType(type: string): string {
    const [, module = "", name = type] = type.split(":");
    const [first = ""] = module.split("/");
    return type.startsWith("alicloud:") ? `${first}.${name}` : name;
}

/** Components as boxes with what they are made of; arrows from what needs something to what is needed, once a pair of boxes. */
export function picture(changes: readonly Change[], dependencies: ReportArgs["dependencies"]): string {
    const isDrawn = ({ type }: Change) => !type.startsWith("pulumi:");
    const drawn = changes.filter(isDrawn);
    const byUrn = new Map(drawn.map((change) => [change.urn, change]));
    const ids = new Map(drawn.map(({ urn }, index) => [urn, `r${index}`]));
    const boxOf = (urn: string): string => {
        const parent = byUrn.get(urn)?.parent;
        return parent !== undefined && byUrn.has(parent) ? boxOf(parent) : urn;
    };
    const boxes = drawn.filter(({ urn }) => boxOf(urn) === urn);
    const inBox = (box: Change) => drawn.filter(({ urn }) => urn !== box.urn && boxOf(urn) === box.urn);
    const node = ({ urn, name, type, operation }: Change) =>
        `${ids.get(urn)}["${label(name)}<br/><i>${shortType(type)}</i>"]:::${operation}`;
    const shapes = boxes.flatMap((box) => {
        const inside = inBox(box);
        return inside.length === 0
            ? [`    ${node(box)}`]
            : [`    subgraph ${ids.get(box.urn)}["${label(box.name)}"]`, ...inside.map((change) => `        ${node(change)}`), "    end"];
    });
    const arrows = new Set(
        drawn.flatMap(({ urn }) =>
            (dependencies[urn] ?? [])
                .filter((needed) => byUrn.has(needed) && boxOf(needed) !== boxOf(urn))
                // Everything in the cluster needs its namespace: an arrow from each would hide the others.
                .filter((needed) => byUrn.get(needed)?.type !== "kubernetes:core/v1:Namespace")
                .map((needed) => `    ${ids.get(boxOf(urn))} --> ${ids.get(boxOf(needed))}`),
        ),
    );
    const styles = [
        "    classDef create fill:#dafbe1,stroke:#1a7f37,color:#000",
        "    classDef update fill:#fff8c5,stroke:#9a6700,color:#000",
        "    classDef replace fill:#ff8182,stroke:#a40e26,color:#000",
        "    classDef delete fill:#ffcecb,stroke:#a40e26,color:#000,stroke-dasharray:4",
        "    classDef same fill:#f6f8fa,stroke:#8c959f,color:#000",
        "    classDef read fill:#f6f8fa,stroke:#8c959f,color:#000",
    ];
    return ["flowchart LR", ...shapes, ...arrows, ...styles].join("\n");
}

/** Quotes would end a label. */
function label(text: string): string {
    return text.replaceAll('"', "'");
}
