import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { built } from "../machine/toolchain";
import { pause } from "./cluster";
import { nameOf, type Side } from "./experiment";

export interface Request {
    readonly method: "GET" | "POST";
    readonly url: string;
    readonly body?: object;
}

export interface Load {
    /** One after the other, and again from the first. */
    readonly requests: readonly Request[];
    /** Requests a second, answered or not; or as many as this many clients get answered. */
    readonly rate: number | { readonly clients: number };
    /** At most; `stop` ends it sooner. */
    readonly seconds: number;
    /** Whether connections are used again. */
    readonly keepAlive: boolean;
}

export interface Answer {
    readonly method: string;
    /** When the request was sent, in milliseconds since 1970. */
    readonly sentAt: number;
    readonly milliseconds: number;
    /** 0 where no answer came. */
    readonly status: number;
    readonly error: string;
    readonly headers: Record<string, string[]>;
}

/** Posts a message. */
export function write(address: string): Request {
    return { method: "POST", url: `${address}/messages`, body: { to: "+8613800138000", text: "prove" } };
}

/** Posts to so many numbers that none gets more than a page of the gateway's records. */
export function writes(address: string): Request[] {
    return Array.from({ length: 1000 }, (_, i) => ({
        method: "POST",
        url: `${address}/messages`,
        body: { to: `+861380000${`${i}`.padStart(4, "0")}`, text: "prove" },
    }));
}

/** Load by vegeta, on the loopback only. */
export class Attack {
    private constructor(
        private readonly folder: string,
        private readonly command: string,
        private readonly process: ReturnType<typeof execa>,
    ) {}

    static async start({ requests, rate, seconds, keepAlive }: Load): Promise<Attack> {
        if (requests.some(({ url }) => new URL(url).hostname !== "127.0.0.1")) {
            throw new Error("load goes to 127.0.0.1 and nowhere else");
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

    /** The answers while something goes on, and for a second after it. */
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

    /** Everything that was asked until now, answered. */
    async stop(): Promise<Answer[]> {
        this.process.kill("SIGINT");
        return this.answers();
    }

    /** Everything that was asked, answered. */
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

function target({ method, url, body }: Request): object {
    return {
        method,
        url,
        ...(body && {
            header: { "Content-Type": ["application/json"] },
            body: Buffer.from(JSON.stringify(body)).toString("base64"),
        }),
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

/** What the failures were, the most frequent first. */
function kindsOfFailure(answers: readonly Answer[]): string[] {
    const kinds = new Map<string, number>();
    for (const { method, status, error } of answers.filter(isFailed)) {
        // Ports differ with each connection.
        const kind = `${method} ${status} ${error.replace(/127\.0\.0\.1:\d+/g, "…")}`;
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    return [...kinds].sort(([, a], [, b]) => b - a).map(([kind, times]) => `${times} × ${kind}`);
}

/** For the report: what failed, with whom and when. */
export function failureNotes(side: Side, group: string, answers: readonly Answer[]): string[] {
    const kinds = kindsOfFailure(answers);
    return kinds.length === 0 ? [] : [`${nameOf(side)}, ${group}: ${kinds.slice(0, 3).join("; ")}`];
}

export function percentile(answers: readonly Answer[], share: number): number {
    const sorted = answers.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** How many times the 99th percentile of them all is the median part's: 1 where all parts are alike, more where one of them stalled. */
export function unevenness(parts: readonly (readonly Answer[])[]): number {
    const each = parts.map((part) => percentile(part, 0.99)).sort((a, b) => a - b);
    return percentile(parts.flat(), 0.99) / (each[Math.floor(each.length / 2)] ?? Number.NaN);
}

export function worst(answers: readonly Answer[]): number {
    return answers.reduce((most, { milliseconds }) => Math.max(most, milliseconds), 0);
}

/** The answers by when their request was sent, in spans of so many seconds from the first. */
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

/** The ids of the messages that were accepted. */
export function accepted(answers: readonly Answer[]): string[] {
    return answers
        .filter(({ method, status }) => method === "POST" && status === 202)
        .map(({ headers }) => headers.Location?.[0]?.split("/").at(-1) as string);
}
