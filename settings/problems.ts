import { RunError } from "@pulumi/pulumi";
import { machineStack } from "./machineStack";

/** One fault in a stack file. */
export interface Problem {
    /** The key as the user writes it: `sms:web.replicas`. */
    readonly key: string;
    /** The value and the allowed values. Never a secret's value. */
    readonly message: string;
    /** The command that repairs it. */
    readonly fix: string;
}

/** One error with all faults of a stack's settings. Pulumi shows a RunError's message without a stack trace. */
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

/**
 * The ways to change one stack's settings, as `pulumi config` commands. Those commands don't reach the file of the machine's own stack. For
 * that stack they are instructions in words.
 */
export class Commands {
    constructor(private readonly stack: string) {}

    set(path: readonly PropertyKey[], example: unknown): string {
        return this.isMachines()
            ? `set ${keyOf(path)} to ${example} in ${this.file()}`
            : this.config(`set ${target(path)} ${shellWord(String(example))}`);
    }

    /** The command asks for the value, so the value stays out of the shell's history. */
    setSecret(path: readonly PropertyKey[]): string {
        return this.config(`set --secret ${target(path)}`);
    }

    remove(path: readonly PropertyKey[]): string {
        return this.isMachines() ? `remove ${keyOf(path)} from ${this.file()}` : this.config(`rm ${target(path)}`);
    }

    removeSecret(path: readonly PropertyKey[]): string {
        return this.config(`rm ${target(path)}`);
    }

    /** For a plain value that must be a secret. */
    replaceBySecret(path: readonly PropertyKey[], secret: readonly PropertyKey[]): string {
        return `${this.remove(path)}${this.isMachines() ? ", then " : " && "}${this.setSecret(secret)}`;
    }

    /** `npm run clients`. For the machine's own stack, `npm run up` generates the tokens. */
    clients(verb: string, name: string): string {
        if (this.isMachines()) {
            return verb === "add" ? `set sms:clients.${name} to {} in ${this.file()}` : "npm run up";
        }
        return `npm run clients -- ${verb} ${name} --stack ${this.stack}`;
    }

    /** Refreshes the whole stack, or one resource. */
    refresh(urn?: string): string {
        return this.pulumi(`refresh --yes${urn === undefined ? "" : ` --target ${shellWord(urn)}`}`);
    }

    private config(args: string): string {
        return this.pulumi(`config ${args}`);
    }

    private pulumi(args: string): string {
        return this.isMachines() ? `npm run pulumi -- ${args}` : `pulumi ${args} --stack ${this.stack}`;
    }

    private isMachines(): boolean {
        return this.stack === machineStack;
    }

    private file(): string {
        return `Pulumi.${this.stack}.yaml`;
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

/** The number of letters to add, remove or change (Levenshtein). */
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
