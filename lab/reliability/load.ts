import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { built } from "../../toolchain/goModules";
import { authorization } from "../machine/client";
import { pause } from "./cluster";
import { asCode, nameOf, type Side } from "./experiment";

export interface Request {
    readonly method: string;
    readonly url: string;
    readonly body?: object;
    /** The default is the headers of the machine's client. */
    readonly headers?: Readonly<Record<string, string>>;
}

export interface Load {
    /** The requests, sent in this order and repeated. */
    readonly requests: readonly Request[];
    /** Requests a second, independent of the answers. Or a number of clients, each of which waits for an answer before it continues. */
    readonly rate: number | { readonly clients: number };
    /** The longest duration. `stop` ends the load earlier. */
    readonly seconds: number;
    /** Whether connections are reused. */
    readonly keepAlive: boolean;
}

export interface Answer {
    readonly method: string;
    /** When the request was sent, in milliseconds since 1970. */
    readonly sentAt: number;
    readonly milliseconds: number;
    /** 0 if no answer came. */
    readonly status: number;
    readonly error: string;
    readonly headers: Record<string, string[]>;
}

/** Posts a message. */
export function write(address: string): Request {
    return { method: "POST", url: `${address}/messages`, body: { to: "+8613800138000", text: "prove" } };
}

/** Posts messages to 1,000 numbers, so that each number has at most one page of records at the gateway. */
export function writes(address: string): Request[] {
    return Array.from({ length: 1000 }, (_, i) => ({
        method: "POST",
        url: `${address}/messages`,
        body: { to: `+861380000${`${i}`.padStart(4, "0")}`, text: "prove" },
    }));
}

/** Load from vegeta. It only goes to the loopback address. */
export class Attack {
    private constructor(
        private readonly folder: string,
        private readonly command: string,
        private readonly process: ReturnType<typeof execa>,
    ) {}

    static async start({ requests, rate, seconds, keepAlive }: Load): Promise<Attack> {
        if (requests.some(({ url }) => new URL(url).hostname !== "127.0.0.1")) {
            throw new Error("load may only go to 127.0.0.1");
        }
        const folder = mkdtempSync(join(tmpdir(), "sms-load-"));
        const targets = join(folder, "targets");
        writeFileSync(targets, requests.map((request) => `${JSON.stringify(target(request))}\n`).join(""));
        const pace =
            typeof rate === "number" ? [`-rate=${rate}/s`] : ["-rate=0", `-max-workers=${rate.clients}`, `-workers=${rate.clients}`];
        const command = join(await built("vegeta"), "vegeta");
        const process = execa(
            command,
            [
                "attack",
                "-format=json",
                `-targets=${targets}`,
                `-output=${join(folder, "answers")}`,
                `-duration=${seconds}s`,
                `-keepalive=${keepAlive}`,
                "-timeout=30s",
                "-max-body=0",
                ...pace,
            ],
            { reject: false },
        );
        return new Attack(folder, command, process);
    }

    /** Runs `work` under load. Returns the answers up to one second after its end. */
    static async during<T>(load: Load, work: () => Promise<T>): Promise<{ answers: Answer[]; result: T }> {
        const attack = await Attack.start(load);
        try {
            const result = await work();
            await pause(1);
            return { result, answers: await attack.stop() };
        } catch (error) {
            await attack.stop();
            throw error;
        }
    }

    /** Ends the load and waits for the open answers. Returns all answers. */
    async stop(): Promise<Answer[]> {
        this.process.kill("SIGINT");
        return this.answers();
    }

    /** Waits for the end of the load and returns all answers. */
    async answers(): Promise<Answer[]> {
        const { stderr } = await this.process;
        const lines = join(this.folder, "lines");
        try {
            await execa(this.command, ["encode", "--to=json", `--output=${lines}`, join(this.folder, "answers")]);
            const answers: Answer[] = [];
            for await (const line of createInterface({ input: createReadStream(lines) })) {
                answers.push(answer(JSON.parse(line)));
            }
            if (answers.length === 0) {
                throw new Error(`vegeta sent nothing: ${stderr}`);
            }
            return answers.sort((a, b) => a.sentAt - b.sentAt);
        } finally {
            rmSync(this.folder, { recursive: true });
        }
    }
}

function asLists(headers: Readonly<Record<string, string>>): Record<string, string[]> {
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
}

function target({ method, url, body, headers = authorization() }: Request): object {
    return {
        method,
        url,
        header: { ...asLists(headers), ...(body && { "Content-Type": ["application/json"] }) },
        ...(body && { body: Buffer.from(JSON.stringify(body)).toString("base64") }),
    };
}

interface Encoded {
    method: string;
    timestamp: string;
    latency: number;
    code: number;
    error: string;
    headers: Record<string, string[]> | null;
}

function answer({ method, timestamp, latency, code, error, headers }: Encoded): Answer {
    return { method, sentAt: Date.parse(timestamp), milliseconds: latency / 1e6, status: code, error, headers: headers ?? {} };
}

export function isFailed({ status }: Answer): boolean {
    return status < 200 || status >= 400;
}

/** The kinds of failures with their numbers, the most frequent first. */
function kindsOfFailure(answers: readonly Answer[]): string[] {
    const kinds = new Map<string, number>();
    for (const { method, status, error } of answers.filter(isFailed)) {
        // Ports differ with each connection.
        const said = asCode(error.replace(/127\.0\.0\.1:\d+/g, "…"));
        const kind = `${method}, ${status === 0 ? "no answer" : `status ${status}`}: ${said}`;
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    return [...kinds].sort(([, a], [, b]) => b - a).map(([kind, times]) => `${times} × ${kind}`);
}

/** A note for the report: the side, the group and its three most frequent kinds of failures. */
export function failureNotes(side: Side, group: string, answers: readonly Answer[]): string[] {
    const kinds = kindsOfFailure(answers);
    return kinds.length === 0 ? [] : [`${nameOf(side)}, ${group}: ${kinds.slice(0, 3).join("; ")}`];
}

export function percentile(answers: readonly Answer[], share: number): number {
    const sorted = answers.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** The 99th percentile of all parts, divided by that of the median part. It is 1 if the parts are equal, and more if one stalled. */
export function unevenness(parts: readonly (readonly Answer[])[]): number {
    const each = parts.map((part) => percentile(part, 0.99)).sort((a, b) => a - b);
    return percentile(parts.flat(), 0.99) / (each[Math.floor(each.length / 2)] ?? Number.NaN);
}

export function worst(answers: readonly Answer[]): number {
    return answers.reduce((most, { milliseconds }) => Math.max(most, milliseconds), 0);
}

/** The answers in spans of `seconds` from the first, by the time at which their request was sent. */
export function inSpans(answers: readonly Answer[], seconds: number): { second: number; answers: Answer[] }[] {
    const start = answers[0]?.sentAt ?? 0;
    const spans = new Map<number, Answer[]>();
    for (const answer of answers) {
        const second = Math.floor((answer.sentAt - start) / 1000 / seconds) * seconds;
        const span = spans.get(second) ?? [];
        span.push(answer);
        spans.set(second, span);
    }
    return [...spans].map(([second, answers]) => ({ second, answers })).sort((a, b) => a.second - b.second);
}

/** The ids of the accepted messages. */
export function accepted(answers: readonly Answer[]): string[] {
    return answers
        .filter(({ method, status }) => method === "POST" && status === 202)
        .map(({ headers }) => headers.Location?.[0]?.split("/").at(-1) as string);
}
