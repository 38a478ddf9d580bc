import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Count, type Run, resultOf, type Side } from "../../lab/reliability/experiment";
import { type Answer, isFailed, percentile, unevenness } from "../../lab/reliability/load";
import { report } from "../../lab/reliability/report";

const answer = (milliseconds: number, status = 200): Answer => ({ method: "GET", sentAt: 0, milliseconds, status, error: "", headers: {} });

describe("the report on reliability", () => {
    let folder: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "sms-report-"));
        mkdirSync(join(folder, "docs", "reliability"), { recursive: true });
    });

    afterEach(() => rmSync(folder, { recursive: true }));

    const rollouts = {
        name: "rollouts",
        title: "Rollouts under load",
        method: "Web rolls out repeatedly.",
        protections: { drain: "the preStop hook is removed" },
        origin: "its web Deployment",
    };
    const failed = (value: number): Count => ({ group: "new connections", what: "failed", value, goal: 0 });

    async function written(ours: number, withoutDrain: number, origin: number): Promise<string[]> {
        const sides: [Side, number][] = [
            [{ kind: "ours" }, ours],
            [{ kind: "without", protection: "drain" }, withoutDrain],
            [{ kind: "origin" }, origin],
        ];
        const trials = sides.map(([side, value]) => ({ side, trial: { counts: [failed(value)] } }));
        const run: Run = { experiment: rollouts, form: "full", at: "2026-11-22T21:00:00.000Z", seconds: 100, sides: trials };
        await report([resultOf(run, { ...run, metInARow: 2 })], folder);
        return readFileSync(join(folder, "docs", "reliability.md"), "utf8").split("\n");
    }

    it("has for each experiment whether its goals are met, whether it can fail, and the origin's result", async () => {
        const lines = await written(0, 12, 3);
        assert.ok(
            lines.includes("| [Rollouts under load](#rollouts-under-load) | met | 3 | yes | misses 1 of 1 | 2026-11-22 21:00 | 100 s |"),
        );
        assert.ok(lines.includes("| failed | ≤ 0 | 0 | **12** | **3** |"));
        assert.ok(lines.includes("Web rolls out repeatedly."));
        assert.ok(lines.includes("- *without drain*: the preStop hook is removed."));
        assert.ok(lines.includes("- *the original manifest*: its web Deployment."));
    });

    it("shows that an experiment that can't fail proves nothing, and which goals are missed", async () => {
        const lines = await written(2, 0, 0);
        assert.ok(
            lines.includes(
                "| [Rollouts under load](#rollouts-under-load) | not met: failed (new connections) | 0 | **no** | meets all goals | 2026-11-22 21:00 | 100 s |",
            ),
        );
    });
});

describe("an answer under load", () => {
    it("is a failure if nothing came or the status is 400 or above", () => {
        assert.deepEqual(
            [0, 200, 202, 304, 400, 503].map((status) => isFailed(answer(1, status))),
            [true, false, false, false, true, true],
        );
    });

    it("has a 99th percentile that 99 of 100 don't exceed", () => {
        const answers = Array.from({ length: 100 }, (_, i) => answer(i + 1));
        assert.deepEqual([percentile(answers, 0.99), percentile(answers, 0.5), percentile(answers.slice(0, 1), 0.99)], [99, 50, 1]);
    });

    it("is uneven if one stalled part changes the whole", () => {
        const part = (slowest: number) => Array.from({ length: 100 }, (_, i) => answer(i < 90 ? 10 : slowest));
        assert.equal(unevenness([part(20), part(20), part(20), part(20), part(20)]), 1);
        assert.equal(unevenness([part(500), part(20), part(30), part(25), part(20)]), 20);
        assert.equal(unevenness([part(500)]), 1);
    });
});
