import type { Input, Inputs, Kind } from "../../../operations/alicloud/inputKinds";
import { fillsOf, type Table, tables } from "../../../operations/alicloud/table";

/** The text of docs/alicloud-inputs.md. */
export function tableText(): string {
    const parts = (Object.entries(tables) as [keyof typeof tables, Table][]).map(([type, table]) => section(type, table));
    return `# What becomes of each input in Alibaba Cloud

Written by \`npm run inputs\` from operations/alicloud/table.ts, by which the stand-in acts and which its contract test reads. Source: terraform-provider-alicloud 1.289.0, the file that each part names, and what a plugin built of it did. What the cloud fills in, and what the API refuses, is documentation and reading; only an account can prove it.

- **kept**: left out, the cloud chooses, and it stays so. **undone**: left out, whatever the cloud has is taken back at the next \`up\`. **not compared**: a change of it is no change.
- **changed**: what another value does: an update in place, or another resource; *old one first* where the old one is deleted before.
- **set later**: by a call of its own once the resource is there. If one of these is refused, the resource is half made.

${parts.join("\n\n")}
`;
}

function section(type: keyof typeof tables, { title, source, inputs, leaves, seconds }: Table): string {
    const notes = [
        ...(leaves === undefined ? [] : [`Half made, the state has ${["its id", ...leaves.map(code)].join(" and ")}.`]),
        ...(seconds === undefined
            ? []
            : [`The provider waits ${seconds.always} s by itself${seconds.withTls > 0 ? `, with TLS ${seconds.withTls} more` : ""}.`]),
    ];
    const deletesFirst = Object.values(inputs).some(({ isAutonamed }) => isAutonamed);
    const rows = Object.entries(inputs).map(([name, input]) => row(name, input, deletesFirst, name in fillsOf(type)));
    const head = ["| input | left out | changed | set later | refused at the preview | refused by the API |", "|---|---|---|---|---|---|"];
    return [`## ${title}`, `\`${type}\`, ${source}. ${notes.join(" ")}`.trim(), [...head, ...rows].join("\n")].join("\n\n");
}

function row(name: string, input: Input, deletesFirst: boolean, isFilled: boolean): string {
    const cells = [
        code(name),
        leftOut(input, isFilled),
        input.isQuiet ? "not compared" : input.replaces ? `another one${deletesFirst ? ", old one first" : ""}` : "in place",
        input.isLater ? "yes" : "",
        [...limits(input), ...(input.isFilled ? ["empty"] : []), ...(input.refuses ? ["by a rule"] : []), kindOf(input.kind)].join("; "),
        input.api === undefined
            ? ""
            : `${code(input.api.code)}: ${[...limits(input.api), input.api.words ?? ""].filter(Boolean).join("; ")}`,
    ];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function leftOut({ isRequired, isAutonamed, isChosen, defaultsTo }: Input, isFilled: boolean): string {
    if (isRequired) {
        return "refused";
    }
    if (isAutonamed) {
        return "a name is made up";
    }
    if (defaultsTo !== undefined) {
        return `${code(String(defaultsTo))}`;
    }
    return isChosen ? "kept" : `undone${isFilled ? "; the cloud may fill it in" : ""}`;
}

function limits({ oneOf, between }: Pick<Input, "oneOf" | "between">): string[] {
    return [
        ...(oneOf === undefined
            ? []
            : [`other than ${oneOf.length > 8 ? `${oneOf.slice(0, 3).join(", ")} … ${oneOf.at(-1)}` : oneOf.join(", ")}`]),
        ...(between === undefined ? [] : [`outside ${between[0]} to ${between[1]}`]),
    ];
}

const words: Record<Exclude<Kind, object>, string> = {
    text: "no text",
    whole: "no whole number",
    flag: "neither true nor false",
    texts: "no list of texts",
    set: "no list of texts",
    map: "no object of texts",
};

function kindOf(kind: Kind): string {
    if (typeof kind === "string") {
        return words[kind];
    }
    return "each" in kind ? `no list of ${names(kind.each as Inputs)}` : `no object of ${names(kind)}`;
}

const names = (inputs: Inputs) => Object.keys(inputs).join(", ");
const code = (text: string) => `\`${text}\``;
