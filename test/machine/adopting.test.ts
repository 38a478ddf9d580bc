import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Run, TestStack } from "../../lab/fixtures/testStack";
import { authorization } from "../../lab/machine/client";
import { kubectl } from "../../lab/machine/kubernetes";
import { stackFileAt } from "../../operations/stackFile";
import { clone } from "../../toolchain/places";
import { until } from "../../toolchain/progress";

const namespace = "sms-adopting";
const nodePort = 31103;

interface Note {
    id: string;
    processed: boolean;
    version: string;
}

interface Pod {
    metadata: { deletionTimestamp?: string; labels: Record<string, string> };
    spec: { containers: { image: string }[] };
}

function assertSucceeded({ exitCode, output }: Run): void {
    assert.equal(exitCode, 0, output);
}

describe("another product, with other settings only, on the real cluster", () => {
    let stack: TestStack;

    const ask = async <T>(path: string, body?: object): Promise<T> => {
        const response = await fetch(`${stack.address}${path}`, {
            ...(body && { method: "POST", body: JSON.stringify(body) }),
            headers: { "Content-Type": "application/json", ...authorization() },
            signal: AbortSignal.timeout(10_000),
        });
        assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
        return (await response.json()) as T;
    };
    const ticks = async () => (await ask<{ ticks: number }>("/ticks")).ticks;

    before("up from nothing", async () => {
        stack = await TestStack.make(namespace, nodePort);
        // Copy the folder as docs/adopting.md says: links become files.
        cpSync(join(clone, "test", "adopting", "app"), join(stack.stack.program, "notes"), { recursive: true, dereference: true });
        const local = stackFileAt(join(clone, "Pulumi.local.yaml")).config as Record<string, object>;
        await stack.configure({
            "sms:name": "notes",
            "sms:image": { ...local["sms:image"], context: "notes" },
            "sms:registry": { ...local["sms:registry"], repository: "notes" },
            // Without the tests' short times, so that the rollout is a normal one.
            "sms:web": { ...local["sms:web"], nodePort },
            "sms:env": {},
        });
        assertSucceeded(await stack.up());
        await stack.answers();
    });

    after("remove", () => stack.clear());

    it("runs in web, worker and beat", async () => {
        const running = (await stack.objects<Pod>("pods")).filter(({ spec }) => spec.containers[0]?.image.includes("/notes:"));
        assert.deepEqual([...new Set(running.map(({ metadata }) => metadata.labels.app))].sort(), [
            "sms-beat",
            "sms-preparation",
            "sms-web",
            "sms-worker",
        ]);
    });

    it("refuses requests without a token", async () => {
        const response = await fetch(`${stack.address}/notes`, { method: "POST", body: "{}", signal: AbortSignal.timeout(10_000) });
        assert.equal(response.status, 401);
    });

    it("processes a note that was posted", async () => {
        const { id } = await ask<Note>("/notes", { text: "hello" });
        await until(
            async () => (await ask<Note>(`/notes/${id}`)).processed,
            60,
            () => "the worker doesn't process it",
        );
    });

    it("has ticks of beat", async () => {
        const before = await ticks();
        await until(
            async () => (await ticks()) > before + 1,
            60,
            () => "beat doesn't tick",
        );
    });

    it("rolls out changed code while a client sends requests, and each of them is answered", async () => {
        const { id } = await ask<Note>("/notes", { text: "while it rolls" });
        stack.edit("notes/sms/serve.py", (content) => content.replace('VERSION = "first"', 'VERSION = "second"'));
        const versions = new Set<string>();
        const failed: string[] = [];
        let isOver = false;
        const client = (async () => {
            while (!isOver) {
                await ask<Note>(`/notes/${id}`).then(
                    ({ version }) => versions.add(version),
                    (error) => failed.push(`${new Date().toISOString()} ${error}: ${error.cause}`),
                );
                await pause(20);
            }
        })();
        let rolled: Run;
        try {
            rolled = await stack.up();
            // The last old pod may still drain.
            await until(
                async () => (await stack.objects<Pod>("pods")).every(({ metadata }) => metadata.deletionTimestamp === undefined),
                60,
                () => "pods of before are still there",
            );
        } finally {
            isOver = true;
            await client;
        }
        assertSucceeded(rolled);
        assert.deepEqual(failed, []);
        assert.deepEqual([...versions], ["first", "second"]);
    });

    it("leaves nothing behind", async () => {
        assertSucceeded(await stack.run("destroy", "--yes", "--skip-preview", "--non-interactive"));
        assert.equal(await kubectl("get", "namespace", namespace, "--ignore-not-found"), "");
    });
});
