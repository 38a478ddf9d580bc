import { buildStatus } from "./buildkit";

/** A message in the Engine API's stream of a build or push. Only its members show its kind. */
export interface Message {
    /** The classic builder's output. */
    stream?: string;
    /** The status of the layer `id` in a push or a pull. */
    status?: string;
    id?: string;
    progressDetail?: { current?: number };
    /** A base64 text of `moby.buildkit.trace`. Or the ID of the built image, or the digest of the pushed one. */
    aux?: string | { ID?: string; Digest?: string };
    error?: string;
    errorDetail?: { message?: string };
}

/** The number of the failing step's last lines in the error. */
const lastLines = 20;

/** Parses the output of a build or a push: lines for the user, the result, and the step that failed. */
export class Output {
    imageId?: string;
    pushedDigest?: string;
    /** The daemon's reason for a failure. */
    reason?: string;

    private readonly steps = new Map<string, Step>();
    private current = this.step("");
    private failing?: Step;

    /** Reads a message. Returns its lines for the user. */
    read(message: Message): string[] {
        if (message.error !== undefined) {
            this.reason = message.errorDetail?.message ?? message.error;
            return [];
        }
        if (typeof message.aux === "string") {
            return this.readTrace(message.aux);
        }
        this.imageId = message.aux?.ID ?? this.imageId;
        this.pushedDigest = message.aux?.Digest ?? this.pushedDigest;
        if (message.stream !== undefined) {
            return this.readStream(message.stream);
        }
        const isCounting = message.progressDetail?.current !== undefined;
        return message.status === undefined || isCounting ? [] : [message.id ? `${message.id}: ${message.status}` : message.status];
    }

    /** The failed step with the reason and its last lines. */
    get failure(): string {
        const { name, lines, rest } = this.failing ?? this.current;
        const last = [...lines, rest].filter((line) => line !== "").slice(-lastLines);
        return [name === "" ? "" : ` at ${name}`, `: ${this.reason}`, ...last.map((line) => `\n    ${line}`)].join("");
    }

    private readTrace(trace: string): string[] {
        const said: string[] = [];
        const { vertexes, logs } = buildStatus(trace);
        for (const { digest, name, cached, started, error } of vertexes) {
            const step = this.step(digest, name);
            if (started.length > 0 && !step.isSaid && !name.startsWith("[internal]")) {
                step.isSaid = true;
                said.push(cached ? `${name} (cached)` : name);
            }
            // Steps that run in parallel to the failing step end as canceled.
            if (error !== "" && !error.includes("context canceled")) {
                this.failing ??= step;
            }
        }
        for (const { vertex, msg } of logs) {
            said.push(...this.step(vertex).read(Buffer.from(msg).toString()));
        }
        return said;
    }

    private readStream(text: string): string[] {
        if (/^Step \d+\/\d+ : /.test(text)) {
            this.current = this.step(text.trim(), text.trim());
            return [this.current.name];
        }
        return this.current.read(text);
    }

    private step(key: string, name = ""): Step {
        const step = this.steps.get(key) ?? new Step(name);
        this.steps.set(key, step);
        return step;
    }
}

class Step {
    isSaid = false;
    readonly lines: string[] = [];
    /** The text after the last line break. */
    rest = "";

    constructor(readonly name: string) {}

    read(text: string): string[] {
        const lines = (this.rest + text).split("\n");
        this.rest = lines.pop() ?? "";
        // A progress bar draws itself again after each carriage return. Only the last version counts.
        const whole = lines.map((line) => line.trimEnd().split("\r").at(-1) ?? "").filter((line) => line !== "");
        this.lines.push(...whole);
        this.lines.splice(0, this.lines.length - lastLines);
        return whole;
    }
}
