import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { clone } from "../../../toolchain/places";
import { asCode } from "../../reliability/experiment";
import type { Figure, Part, Row } from "../row";

/**
 * Stops the machine and starts it again. This deletes the machine's stacks and their data. So the row runs only if it is named, as
 * the last row. Run it only on a machine without other uses.
 */
export const coldStart: Row = {
    name: "coldStart",
    title: "Cold start of the machine with cached builds and base images",
    peer: "the sum of its own steps",
    onMachine: true,
    onlyByName: true,
    measure: () => measure("with caches", { oursAtMost: 60 }),
};

/** Takes about 18 minutes, because no Go module, build or base image is cached. */
export const emptyStart: Row = {
    name: "emptyStart",
    title: "Cold start of the machine without caches",
    peer: "the sum of its own steps",
    onMachine: true,
    onlyByName: true,
    measure: async () => {
        const cache = mkdtempSync(join(tmpdir(), "sms-bench-cache-"));
        const env = { XDG_CACHE_HOME: cache, GOCACHE: join(cache, "go-build"), GOMODCACHE: join(cache, "go-modules") };
        try {
            return await measure("without caches", undefined, env);
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
    const known = parts.filter(({ what }) => !what.startsWith(outside)).reduce((sum, { value }) => sum + value, 0);
    return {
        figures: [
            { what: `cold start ${what}: wall time`, unit: "s", ours: { value: seconds }, peer: { value: known }, ...(goal && { goal }) },
        ],
        parts,
        remarks: [
            "This row compares no other tool. `npm run up` starts the machine and deploys the product, and the table has the steps as it printed them. The comparison is the sum of its steps, without the time outside the steps. The sum is more than the value if steps run at the same time.",
        ],
    };
}

/** The label of the time between two steps. */
const outside = "outside the steps";

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
                parts.push({ what: `${outside}, before ${asCode(title)}`, value: gap, unit: "s" });
            }
            parts.push({ what: asCode(title), value, unit: "s" });
            accounted = at;
        }
    }
    return total - accounted > 0.3 ? [...parts, { what: `${outside}, at the end`, value: total - accounted, unit: "s" }] : parts;
}
