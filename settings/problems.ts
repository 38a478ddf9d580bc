import { RunError } from "@pulumi/pulumi";

/** One thing in a stack file that can't be. */
export interface Problem {
    /** As the user writes it: `sms:web.replicas`. */
    readonly key: string;
    /** What is there and what is allowed. Never a secret's value. */
    readonly message: string;
    /** The command that mends it. */
    readonly fix: string;
}

/** Everything that is wrong with a stack's settings, at once. Pulumi shows a RunError's message without a stack trace. */
export class SettingsError extends RunError {
    constructor(
        stack: string,
        readonly problems: readonly Problem[],
    ) {
        const list = problems.map(({ key, message, fix }) => `  ${key} ${message}\n      ${fix}\n`);
        super(
            `${problems.length} ${problems.length === 1 ? "problem" : "problems"} in the settings of stack ${stack} (Pulumi.${stack}.yaml):\n\n${list.join("\n")}`,
        );
        this.name = "SettingsError";
    }
}

/** `["web", "replicas"]` is `sms:web.replicas`, and `["list", 0]` is `sms:list[0]`. */
export function keyOf(path: readonly PropertyKey[]): string {
    const [first, ...rest] = path.map((part) => (typeof part === "number" ? part : String(part)));
    return `sms:${first}${rest.map((part) => (/^[A-Za-z_-][\w-]*$/.test(`${part}`) ? `.${part}` : `[${JSON.stringify(part)}]`)).join("")}`;
}

/** The `pulumi config` commands for one stack. */
export class Commands {
    constructor(private readonly stack: string) {}

    set(path: readonly PropertyKey[], example: unknown): string {
        return `pulumi config set ${target(path)} ${shellWord(String(example))} --stack ${this.stack}`;
    }

    /** Asks for the value, which so stays out of the shell's history. */
    setSecret(path: readonly PropertyKey[]): string {
        return `pulumi config set --secret ${target(path)} --stack ${this.stack}`;
    }

    remove(path: readonly PropertyKey[]): string {
        return `pulumi config rm ${target(path)} --stack ${this.stack}`;
    }
}

function target(path: readonly PropertyKey[]) {
    return path.length > 1 ? `--path ${shellQuoted(keyOf(path))}` : shellWord(keyOf(path));
}

function shellWord(word: string) {
    return /^[\w.:/%@+-]+$/.test(word) ? word : shellQuoted(word);
}

function shellQuoted(word: string) {
    return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The known word that `word` was probably meant to be. */
export function nearest(word: string, known: readonly string[]): string | undefined {
    const [best] = known
        .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
        .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 3) && distance < word.length)
        .sort((a, b) => a.distance - b.distance);
    return best?.candidate;
}

/** Letters to add, take or change (Levenshtein). */
function editDistance(a: string, b: string): number {
    let row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (const [i, letter] of [...a].entries()) {
        const next = [i + 1];
        for (let j = 0; j < b.length; j++) {
            next.push(Math.min(Number(row[j]) + (letter === b[j] ? 0 : 1), Number(row[j + 1]) + 1, Number(next[j]) + 1));
        }
        row = next;
    }
    return Number(row.at(-1));
}
