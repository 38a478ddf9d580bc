import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { clone } from "../../../operations/operation";
import type { Figure, Part, Row } from "../row";

/**
 * Stops the machine and starts it again. This deletes the machine's stacks and their data. So the row runs only if it is named, as
 * the last row. Run it only on a machine without other uses.
 */
export const coldStart: Row = {
    name: "coldStart",
    title: "Cold start of the machine (`npm run up`), builds and base images cached",
    peer: "its own parts",
    onMachine: true,
    onlyByName: true,
    measure: () => measure("cached", { oursAtMost: 60 }),
};

/** Takes about 18 minutes, because no Go module, build or base image is cached. */
export const emptyStart: Row = {
    name: "emptyStart",
    title: "Cold start of the machine (`npm run up`), nothing cached",
    peer: "its own parts",
    onMachine: true,
    onlyByName: true,
    measure: async () => {
        const cache = mkdtempSync(join(tmpdir(), "sms-bench-cache-"));
        const env = { XDG_CACHE_HOME: cache, GOCACHE: join(cache, "go-build"), GOMODCACHE: join(cache, "go-modules") };
        try {
            return await measure("nothing cached", undefined, env);
        } finally {
            // The machine runs programs from this cache, so it must stop before the cache is deleted.
            await execa("npm", ["run", "--silent", "down"], { cwd: clone, env });
            rmSync(cache, { recursive: true, force: true });
        }
    },
};

async function measure(what: string, goal: Figure["goal"], env: Record<string, string> = {}) {
    await execa("npm", ["run", "--silent", "down"], { cwd: clone });
    const start = performance.now();
    const up = execa("npm", ["run", "--silent", "up"], { cwd: clone, env, all: true, stdin: "ignore" });
    const lines: Line[] = [];
    for await (const text of up.iterable({ from: "all" })) {
        lines.push({ text, at: (performance.now() - start) / 1000 });
    }
    await up;
    const seconds = (performance.now() - start) / 1000;
    const parts = partsOf(lines, seconds);
    const known = parts.filter(({ what }) => !what.startsWith("between")).reduce((sum, { value }) => sum + value, 0);
    return {
        figures: [
            { what: `cold start, ${what}: wall`, unit: "s", ours: { value: seconds }, peer: { value: known }, ...(goal && { goal }) },
        ],
        parts,
        remarks: ["Theirs is the sum of the parts that say what they are."],
    };
}

interface Line {
    readonly text: string;
    /** Seconds after the start. */
    readonly at: number;
}

/** The parts of a start: the steps with their own times, the engine's run as one part, and the gaps between them. */
function partsOf(lines: readonly Line[], total: number): Part[] {
    const parts: Part[] = [];
    let accounted = 0;
    for (const { text, at } of lines) {
        const step = /^ {2}✓ (.+?) (?:(\d+) min )?(\d+(?:\.\d)?) s$/.exec(text);
        const engine = /^Duration: (?:(\d+)m)?(\d+)s/.exec(text);
        const [, title, minutes, seconds] = step ?? (engine && ["", "pulumi up", engine[1], engine[2]]) ?? [];
        if (title !== undefined) {
            const value = 60 * Number(minutes ?? 0) + Number(seconds);
            const gap = at - accounted - value;
            if (gap > 0.3) {
                parts.push({ what: `between, before: ${title}`, value: gap, unit: "s" });
            }
            parts.push({ what: title, value, unit: "s" });
            accounted = at;
        }
    }
    return total - accounted > 0.3 ? [...parts, { what: "between, at the end", value: total - accounted, unit: "s" }] : parts;
}
