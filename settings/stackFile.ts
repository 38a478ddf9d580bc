/** Reads a stack file without the engine. It reads the same values as the engine, or it refuses the file. */
import {
    type Document,
    type ErrorCode,
    isAlias,
    isMap,
    isScalar,
    isSeq,
    LineCounter,
    type Node,
    parseAllDocuments,
    type Scalar,
    stringify,
    type YAMLMap,
} from "yaml";

import type { Misread, RawSettings } from "./raw";

export interface StackFile {
    readonly encryptionsalt?: string;
    /** The provider that encrypts the stack's secrets, if it isn't a passphrase. */
    readonly secretsprovider?: string;
    /** The environments of Pulumi ESC from which the stack takes settings. */
    readonly environment?: readonly string[];
    /** The values by their whole keys, such as `sms:web`. The file may omit the project's name, as the engine allows it. */
    readonly config: Readonly<Record<string, unknown>>;
    /** The values that the engine reads differently from the text. */
    readonly misread?: readonly Misread[];
}

/** Whether `value` is the engine's reading of the text. */
export function isReading({ written, read }: Misread, value: unknown): boolean {
    return [written, String(read)].includes(String(value)) || (typeof read === "string" && String(value).startsWith(`${read} `));
}

/** Why a text isn't a stack file. It never contains a value of the file. */
export class StackFileError extends Error {
    constructor(
        what: string,
        readonly line?: number,
    ) {
        super(what);
    }
}

export function parseStackFile(text: string): StackFile {
    const source = text.replace(/^\uFEFF/, "");
    const lines = new LineCounter();
    const refuse = (what: string, offset?: number): never => {
        throw new StackFileError(what, offset === undefined ? undefined : lines.linePos(offset).line);
    };
    // All scalars are read as texts, because the engine interprets plain scalars differently from this library.
    const documents = [...parseAllDocuments(source, { schema: "failsafe", lineCounter: lines, prettyErrors: false })];
    for (const [pattern, what] of unreadable) {
        const found = pattern.exec(source);
        if (found) {
            refuse(what, found.index);
        }
    }
    const [document, another] = documents;
    const [fault] = document?.errors ?? [];
    if (fault) {
        refuse(faults[fault.code] ?? fault.message, fault.pos[0]);
    }
    if (another) {
        refuse("another document begins here, which the engine would ignore", another.range?.[0]);
    }
    const misread: Misread[] = [];
    const file = new Reader(document as Document, refuse, misread).read(document?.contents ?? null, []) ?? {};
    if (!isBlock(file)) {
        return refuse("its settings aren't a block: config: with the keys indented below");
    }
    const { config, encryptionsalt, secretsprovider } = file;
    if (config !== undefined && config !== null && !isBlock(config)) {
        return refuse("config isn't a block: its keys have to be indented below it");
    }
    const whole: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(config ?? {})) {
        const name = wholeKey(key) ?? refuse(`${key} isn't a key: allowed are sms:NAME and PACKAGE:NAME`);
        if (Object.hasOwn(whole, name)) {
            refuse(`${name} occurs twice, with and without its sms:`);
        }
        // The engine reads null as an empty text.
        whole[name] = value ?? "";
    }
    return {
        ...(typeof encryptionsalt === "string" ? { encryptionsalt } : {}),
        ...(typeof secretsprovider === "string" && secretsprovider !== "" ? { secretsprovider } : {}),
        ...environmentsIn(file.environment),
        config: whole,
        misread: misread.flatMap(({ path: [top, key, ...rest], ...value }) =>
            top === "config" && key !== undefined ? [{ ...value, path: [wholeKey(String(key)) ?? key, ...rest] }] : [],
        ),
    };
}

/** The names in the list. An environment that is written in the file itself has no name. */
function environmentsIn(value: unknown): Pick<StackFile, "environment"> {
    const names = Array.isArray(value) ? value.map((each) => (isBlock(each) ? Object.keys(each).join() : String(each))) : [];
    const all = names.length === 0 && isBlock(value) ? ["the stack file's own"] : names;
    return all.length === 0 ? {} : { environment: all };
}

/** Replacements for the library's messages. They are clearer, and don't quote the text, which may be a secret. */
const faults: Partial<Record<ErrorCode, string>> = {
    BAD_ALIAS: "an alias, *…, without an anchor above: put the text in quotes instead",
    BAD_DIRECTIVE: "a directive, %…, that isn't known",
    BAD_DQ_ESCAPE: "an escape, \\…, that isn't known: put a text with \\ in single quotes",
    DUPLICATE_KEY: "a key that already exists",
    TAG_RESOLVE_FAILED: "a tag, !…: put the text in quotes instead",
    UNEXPECTED_TOKEN: "an unexpected text",
};

/** Patterns that the engine and this library would read differently. */
const unreadable: [pattern: RegExp, what: string][] = [
    [/^(<{7}|={7}|>{7})( |\r?$)/m, "a conflict marker of git"],
    [/^[ -]*\t/m, "a tab at the beginning of the line"],
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    [/[\0-\x08\v\f\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]|\r(?!\n)/, "a control character"],
];

/** A stack file's text. All texts are in quotes, so that every YAML reader reads the same values. */
export function stackFileText(file: { encryptionsalt?: string; config: Readonly<Record<string, unknown>> }): string {
    const quoted = { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "QUOTE_DOUBLE" } as const;
    const text = stringify(file, { ...quoted, lineWidth: 0, aliasDuplicateObjects: false });
    return text.replace(/[\x7f-\x9f\u2028\u2029\ufeff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

export function isEncrypted(value: unknown): value is { secure: string } {
    return isBlock(value) && Object.keys(value).join() === "secure" && typeof value.secure === "string";
}

export function hasEncrypted(value: unknown): boolean {
    return isEncrypted(value) || (typeof value === "object" && value !== null && Object.values(value).some(hasEncrypted));
}

/** The settings as the engine passes them to the program: blocks as JSON, all other values as text. */
export function rawSettings(stack: string, { config, misread = [] }: StackFile): RawSettings {
    const own = Object.entries(config)
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, value]) => [key.slice(prefix.length), value] as const);
    return {
        stack,
        texts: Object.fromEntries(own.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)])),
        encrypted: new Set(own.filter(([, value]) => hasEncrypted(value)).map(([key]) => key)),
        misread: misread.flatMap(({ path: [key, ...rest], ...value }) =>
            String(key).startsWith(prefix) ? [{ ...value, path: [String(key).slice(prefix.length), ...rest] }] : [],
        ),
    };
}

const prefix = "sms:";

class Reader {
    /** The blocks that are being read. No block may contain itself. */
    private readonly open = new Set<Node>();

    constructor(
        private readonly document: Document,
        private readonly refuse: (what: string, offset?: number) => never,
        private readonly misread: Misread[],
    ) {}

    read(given: unknown, path: Path): unknown {
        if (given === null) {
            return null;
        }
        const node = this.target(given);
        if (node.tag !== undefined) {
            this.refuse(String(faults.TAG_RESOLVE_FAILED), node.range?.[0]);
        }
        if (isScalar<string>(node)) {
            return this.scalar(node, path);
        }
        return this.within(node, () =>
            isSeq(node)
                ? node.items.map((item, i) => this.read(item, [...path, i]))
                : Object.fromEntries(this.pairs(node as YAMLMap, path).map(([key, value]) => [key, this.read(value, [...path, key])])),
        );
    }

    /** The node that an alias refers to. */
    private target(node: unknown): Node {
        if (!isAlias(node)) {
            return node as Node;
        }
        return node.resolve(this.document) ?? this.refuse(String(faults.BAD_ALIAS), node.range?.[0]);
    }

    private within<T>(node: Node, work: () => T): T {
        if (this.open.has(node)) {
            this.refuse("a block contains itself", node.range?.[0]);
        }
        this.open.add(node);
        const result = work();
        this.open.delete(node);
        return result;
    }

    /** A block's keys, then the keys that are merged into it (`<<: *other`). If a key occurs twice, the first one counts. */
    private pairs({ items }: YAMLMap, path: Path): [key: string, value: unknown][] {
        const isMerge = ({ key }: { key: unknown }) => isScalar(key) && key.value === "<<" && key.type === "PLAIN";
        const own = items.filter((item) => !isMerge(item)).map(({ key, value }): [string, unknown] => [this.key(key, path), value]);
        const merged = items.filter(isMerge).flatMap(({ key, value }) => {
            const sources = isSeq(value) ? value.items : [value];
            return sources.flatMap((source) => {
                const block = this.target(source);
                return isMap(block) && block.tag === undefined
                    ? this.within(block, () => this.pairs(block, path))
                    : this.refuse("<< can merge only blocks", (key as Node).range?.[0]);
            });
        });
        const taken = new Set<string>();
        return [...own, ...merged].filter(([key]) => !taken.has(key) && taken.add(key));
    }

    private key(node: unknown, { length: depth }: Path): string {
        if (!isScalar<string>(node) || node.tag !== undefined || node.value.includes("\n")) {
            return this.refuse("a key isn't a text in one line", (node as Node | null)?.range?.[0]);
        }
        this.refuseMarks(node);
        const { value, isExact } = plain(node.value);
        // The engine converts a number or a boolean to a text, but not if it is the key of a whole setting.
        const isText = typeof value === "string" || (depth > 1 && value !== null);
        return node.type !== "PLAIN" || (isExact && isText)
            ? node.value
            : this.refuse(`the key ${node.value} isn't a text: put it in quotes`, node.range?.[0]);
    }

    /** Refuses a plain text that begins with : or ?, because the engine doesn't accept it within brackets. */
    private refuseMarks({ value, type, range }: Scalar<string>): void {
        if (type === "PLAIN" && /^[:?]/.test(value)) {
            this.refuse(`a text that begins with ${value[0]}: put it in quotes`, range?.[0]);
        }
    }

    private scalar(node: Scalar<string>, path: Path): unknown {
        const { value: written, type, range } = node;
        this.refuseMarks(node);
        const { value, isExact } = plain(written);
        if (type !== "PLAIN") {
            return /^\s/.test(written) && written.includes("\n")
                ? this.refuse("a text of several lines begins with a space or a line break, which the engine removes", range?.[0])
                : written;
        }
        if (typeof value === "number" && !Number.isFinite(value)) {
            this.refuse(`${written} isn't a number that a setting can have: put it in quotes`, range?.[0]);
        }
        if (!isExact && value !== null) {
            this.misread.push({ path, written, read: value });
        }
        return value;
    }
}

type Path = (string | number)[];

interface Plain {
    readonly value: null | boolean | number | string;
    /** Whether the value as a text equals the written text. */
    readonly isExact: boolean;
}

/** The value that the engine's library (gopkg.in/yaml.v3) reads from a scalar without quotes. */
function plain(written: string): Plain {
    if (["", "~", "null", "Null", "NULL"].includes(written)) {
        return { value: null, isExact: true };
    }
    if (/^(true|True|TRUE|false|False|FALSE)$/.test(written)) {
        const value = /^t/i.test(written);
        return { value, isExact: String(value) === written };
    }
    const day = dayOf(written);
    if (day !== undefined) {
        return { value: day, isExact: false };
    }
    const value = numberOf(written);
    return value === undefined
        ? { value: written, isExact: true }
        : { value, isExact: String(value) === written && (!Number.isInteger(value) || Number.isSafeInteger(value)) };
}

function numberOf(written: string): number | undefined {
    if (/^[-+]?\.(inf|Inf|INF)$/.test(written)) {
        return written.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    }
    if (/^\.(nan|NaN|NAN)$/.test(written)) {
        return Number.NaN;
    }
    const digits = /^[-+0-9]/.test(written) ? written.replaceAll("_", "") : written;
    const [, sign, whole = ""] = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9]\d*)$/.exec(digits) ?? [];
    if (whole !== "") {
        const size = BigInt(whole.replace(/^0(?=[0-7])/, "0o"));
        const limit = sign === "" ? 2n ** 64n : 2n ** 63n + (sign === "-" ? 1n : 0n);
        if (size < limit) {
            return Number(sign === "-" ? -size : size);
        }
    }
    const float = Number(/^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(digits) ? digits : Number.NaN);
    return Number.isFinite(float) ? float : undefined;
}

const time = String.raw`([01]?\d|2[0-3]):[0-5]?\d:[0-5]?\d([.,]\d+)?`;
const point = new RegExp(String.raw`^(\d{4})-(\d{1,2})-(\d{1,2})([Tt]${time}(Z|[-+]\d\d:\d\d)| ${time})?$`);

/** The day of a date, with or without a time. The engine's text is longer, and begins with the day. */
function dayOf(written: string): string | undefined {
    const [, year = "", month = "", day = ""] = point.exec(written) ?? [];
    const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
    const isDay = year !== "" && date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
    return isDay ? `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}` : undefined;
}

/** The engine puts the project's name before a key without one, and reads the old `sms:config:web` as `sms:web`. */
function wholeKey(key: string): string | undefined {
    const parts = key.split(":");
    if (parts.length === 3 && parts[1] === "config") {
        return `${parts[0]}:${parts[2]}`;
    }
    return parts.length === 1 ? `sms:${key}` : parts.length === 2 ? key : undefined;
}

function isBlock(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
