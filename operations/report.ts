/** A preview as markdown, for a pull request's comment and for a terminal. All its text is untrusted, so it is escaped. */
import { type Change, type Kind, kindOf, kinds, losses, marks, nameIn } from "./changes";
import { source } from "./classes";
import type { Document } from "./document";
import { beside, footprint } from "./footprint";
import { block, code, words } from "./markdown";
import { picture } from "./picture";

/** The workflow run that made the preview. These values don't come from the document. */
export interface Run {
    readonly commit: string;
    /** The run's address. */
    readonly url: string;
}

/** The first line of the comment. The next preview finds the comment by it. */
export function marker(stack: string): string {
    return `<!-- sms preview of ${stack} -->`;
}

/** GitHub accepts 65,536 characters. */
const longest = 60_000;

/** The comment. */
export function report(document: Document, run?: Run): string {
    const drawn = `<details><summary>Picture</summary>\n\n\`\`\`mermaid\n${picture(document)}\n\`\`\`\n\nAn arrow goes from what is made first to what needs it.\n\n</details>`;
    const parts = [marker(document.stack), ...sections(document), folded(stillToSet(document)), drawn, origin(document, run)];
    const whole = joined(parts);
    if (whole.length <= longest) {
        return whole;
    }
    const undrawn = joined(parts.filter((part) => part !== drawn));
    return undrawn.length <= longest ? undrawn : `${undrawn.slice(0, longest)}\n\n… the rest is in the run.\n`;
}

/** The report without the parts that only GitHub renders. */
export function terminalReport(document: Document): string {
    const { title, lines } = stillToSet(document);
    return joined([...sections(document), lines.length === 0 ? "" : `${title}\n${lines.join("\n")}`]);
}

/** The comment if the preview ended without a report. */
export function deadReport(stack: string, reason: string, run: Run): string {
    return joined([
        marker(stack),
        `## Preview of \`${stack}\`: **no result**`,
        `The preview of ${code(run.commit.slice(0, 12))} ended without a report: ${words(reason)} What it would change isn't known; [its run](${run.url}) says why.`,
    ]);
}

function joined(parts: readonly string[]): string {
    return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function sections(document: Document): string[] {
    const { stack, changes, succeeded } = document;
    return [
        `## Preview of \`${stack}\`: ${succeeded ? summary(changes) : "**refused**"}`,
        halfMadeWarning(document),
        lossWarning(changes),
        passwordWarning(changes),
        refusals(document),
        comparison(document),
        groups(changes),
        changedProperties(changes),
        secretsChanged(document),
        cost(document),
        policies(document),
    ];
}

const done: Readonly<Record<Kind, string>> = {
    same: "unchanged",
    read: "to read",
    create: "to create",
    update: "to update",
    design: "to replace by design",
    replace: "to **REPLACE**",
    delete: "to **DELETE**",
};

/** Counts as the engine does: with components and the program's own providers, without the engine's default providers. */
function isCounted({ type, name }: Change): boolean {
    return !(type.startsWith("pulumi:providers:") && /^default(_|$)/.test(name));
}

function summary(changes: readonly Change[]): string {
    const counted = kinds
        .map((kind) => ({ kind, count: changes.filter((change) => isCounted(change) && kindOf(change) === kind).length }))
        .filter(({ kind, count }) => kind !== "same" && count > 0)
        .map(({ kind, count }) => `${count} ${done[kind]}`);
    return counted.length === 0 ? "no changes" : counted.join(", ");
}

/** The preview of these resources is wrong, because the state has almost none of their properties. */
function halfMadeWarning({ halfMade, stack }: Document): string {
    const lines = halfMade.map(
        (urn) =>
            `> **${code(nameIn(urn))} was created but not finished**, and this preview doesn't know its properties. \`npm run deploy -- --stack ${stack}\` reads it from the cloud first, and then finishes it. Before a plain \`pulumi up\`: ${code(`pulumi refresh --target '${urn}' --stack ${stack}`, 500)}.`,
    );
    return alert("WARNING", lines);
}

function lossWarning(changes: readonly Change[]): string {
    const lines = losses(changes).map(({ name, type, operation, because, lost = "" }) => {
        const reason = because.length > 0 ? ` because of ${because.map((path) => code(path)).join(", ")}` : "";
        return `> **${operation.toUpperCase()} of ${code(name)}** (${words(shortType(type))})${reason}: **loses ${words(lost)}.**`;
    });
    return alert("CAUTION", lines);
}

/** A MongoDB volume keeps its first password. The password that the server starts with has no effect on it. */
function passwordWarning(changes: readonly Change[]): string {
    const secret = changes.find(({ name, type }) => name === "mongo-secret" && type === "kubernetes:core/v1:Secret");
    const isChanged = secret?.operation === "replace" || secret?.operation === "update";
    const line =
        '> **`sms:mongoPassword` changes**, and MongoDB\'s volume keeps the old password: change it in MongoDB first (docs/going-online.md, "Rotating passwords"). Otherwise the check of the stores ends the `up`.';
    return alert("WARNING", isChanged ? [line] : []);
}

/** GitHub's alert box. Each line is a paragraph. */
function alert(kind: "WARNING" | "CAUTION", lines: readonly string[]): string {
    return lines.length === 0 ? "" : [`> [!${kind}]`, lines.join("\n>\n")].join("\n");
}

function refusals({ violations, leaks, errors, kept, refused }: Document): string {
    const mandatory = violations
        .filter(({ isMandatory }) => isMandatory)
        .map(({ policy, message }) => `${code(policy)}: ${words(message)}`);
    const leaked = leaks.map((where) => `\`secrets-as-secrets\`: ${words(where)}`);
    const protection = kept.map(({ name, lost }) => {
        const reason = lost === undefined ? "" : `, because that loses ${words(lost)}`;
        return `\`protect\`: ${code(name)} is protected, so it is neither deleted nor replaced${reason}. To do it on purpose: docs/going-online.md, "Taking it down"`;
    });
    const list = [...mandatory, ...protection, ...refused.map((line) => words(line)), ...leaked].map((line) => `- ${line}`);
    return [list.length > 0 ? `**Not allowed:**\n${list.join("\n")}` : "", ...errors.map((message) => block(message))]
        .filter((part) => part !== "")
        .join("\n\n");
}

function comparison({ against, base = "", baseProblem }: Document): string {
    if (against === "state") {
        return "Compared to the stack's state in the backend.";
    }
    if (against === "base") {
        return `Compared to ${code(base.slice(0, 12))}, without access to the cloud: both as an empty account would get them. What only an \`up\` finds out, and what is encrypted, counts as unchanged.`;
    }
    const problem = baseProblem === undefined ? "" : ` The base couldn't be previewed: ${words(baseProblem, 300)}`;
    return `Without access to the cloud: compared to nothing, so this is the whole environment as an empty account would get it.${problem}`;
}

/** Created, deleted and replaced resources by component. The most dangerous changes come first. */
function groups(changes: readonly Change[]): string {
    const rows = [...kinds].reverse().flatMap((kind) => {
        if (kind === "same" || kind === "update") {
            return [];
        }
        const affected = changes.filter((change) => isCounted(change) && kindOf(change) === kind);
        const components = [...new Set(affected.map((change) => componentOf(change, changes)))].sort();
        return components.map((component) => {
            const members = affected.filter((change) => componentOf(change, changes) === component);
            const names = members.map(({ name, type }) =>
                type.startsWith("sms:") ? words(shortType(type)) : `${code(name)} ${words(shortType(type))}`,
            );
            return `| ${verb(kind)} | ${component === "" ? "" : code(component)} | ${members.length} | ${names.join(", ")} |`;
        });
    });
    return rows.length === 0 ? "" : ["| | component | how many | which |", "|---|---|---|---|", ...rows].join("\n");
}

/** The name of the resource's component directly below the stack. Empty for a resource without a component. */
function componentOf(change: Change, changes: readonly Change[]): string {
    const parent = changes.find(({ urn }) => urn === change.parent);
    if (parent === undefined || parent.type.startsWith("pulumi:pulumi:")) {
        return change.type.startsWith("sms:") ? change.name : "";
    }
    return componentOf(parent, changes);
}

function verb(kind: Kind): string {
    const word = kind === "design" ? "replace by design" : kind;
    return kind === "replace" || kind === "delete" ? `${marks[kind]} **${word.toUpperCase()}**` : `${marks[kind]} ${word}`;
}

const mostLines = 20;

/** Each changed property with its old and new value. A list, because a table of long paths would be wider than a comment. */
function changedProperties(changes: readonly Change[]): string {
    return [...kinds]
        .reverse()
        .flatMap((kind) => changes.filter((change) => change.properties.length > 0 && kindOf(change) === kind))
        .map((change) => {
            const { name, type, properties } = change;
            const rest = properties.length - mostLines;
            return [
                `- ${verb(kindOf(change))} ${code(name)} ${words(shortType(type))}`,
                ...properties.slice(0, mostLines).map((property) => `    - ${difference(property, change)}`),
                ...(rest > 0 ? [`    - and ${rest} more`] : []),
            ].join("\n");
        })
        .join("\n");
}

function difference({ path, from, to }: Change["properties"][number], change: Change): string {
    const cause = kindOf(change) === "replace" && change.because.includes(path) ? " (**causes the replacement**)" : "";
    const values =
        from === undefined ? `added ${code(to ?? "")}` : to === undefined ? `removed ${code(from)}` : `${code(from)} → ${code(to)}`;
    // If both values are unknown, the report says only that they differ.
    return `${code(path)}: ${from === undefined && to === undefined ? "another value" : values}${cause}`;
}

function secretsChanged({ changedSecrets }: Document): string {
    return changedSecrets.length === 0
        ? ""
        : `Encrypted again, or for the first time: ${changedSecrets.map((key) => code(key)).join(", ")}.`;
}

function cost({ against, before, after }: Document): string {
    const lines = beside(footprint(before), footprint(after));
    if (lines.length === 0) {
        return "";
    }
    const isAlone = against === "nothing";
    const cell = (amount?: string) => (amount === undefined ? "" : words(amount));
    const rows = lines.map(({ what, before: old, after: next }) =>
        isAlone
            ? `| ${what} | ${cell(next)} |`
            : old === next
              ? `| ${what} | ${cell(old)} | ${cell(next)} |`
              : `| **${what}** | ${cell(old)} | **${cell(next) || "none"}** |`,
    );
    const head = isAlone ? ["| what it takes | |", "|---|---|"] : ["| what it takes | before | after |", "|---|---|---|"];
    return [
        ...head,
        ...rows,
        "",
        `Sizes of classes are of one node (${source}). Prices differ by region, day and contract: docs/going-online.md, "What it costs".`,
    ].join("\n");
}

function policies({ passed, violations }: Document): string {
    const broken = new Set(violations.filter(({ isMandatory }) => isMandatory).map(({ policy }) => policy));
    const advice = violations
        .filter(({ isMandatory }) => !isMandatory)
        .map(({ policy, message }) => `- ${code(policy)}: ${words(message)}`);
    const verdict = `Policies: ${passed.length} passed${broken.size > 0 ? `, **${broken.size} broken**` : ""}.`;
    return [verdict, ...advice].join("\n");
}

interface List {
    readonly title: string;
    readonly lines: readonly string[];
}

function stillToSet({ missing, unopened }: Document): List {
    const unless = unopened.length === 0 ? "" : ` unless ${unopened.map((name) => code(name)).join(" or ")} sets it,`;
    return {
        title: `**Still to be set**${unless} before an \`up\` (placeholders stand in here):`,
        lines: missing.map(({ key, fix }) => `- ${code(key)}: ${code(fix, 500)}`),
    };
}

/** The list as one line of the comment, which the reader can open. */
function folded({ title, lines }: List): string {
    const summary = `<details><summary>Still to be set before an up: ${lines.length}</summary>`;
    return lines.length === 0 ? "" : `${summary}\n\n${title}\n${lines.join("\n")}\n\n</details>`;
}

/** The preview's commit, run and time. */
function origin({ at }: Document, run?: Run): string {
    const when = `${at.slice(0, 16).replace("T", " ")} UTC`;
    return run === undefined ? `<sub>${when}</sub>` : `<sub>Commit ${code(run.commit.slice(0, 12))} · [run](${run.url}) · ${when}</sub>`;
}

/** `kubernetes:apps/v1:Deployment` is `Deployment`, `alicloud:kvstore/instance:Instance` is `kvstore.Instance`. */
export function shortType(type: string): string {
    const [, module = "", name = type] = type.split(":");
    const [first = ""] = module.split("/");
    return type.startsWith("alicloud:") ? `${first}.${name}` : name;
}
