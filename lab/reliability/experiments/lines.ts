import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { gone, namespace, prepare, ready, Sls, writer } from "../../fixtures/writers";
import { apply, kubectl } from "../../machine/kubernetes";
import { pause } from "../cluster";
import type { Experiment, Form, Side, Stage, Trial } from "../experiment";

const pods: Record<Form, { ours: number; others: number }> = { full: { ours: 12, others: 4 }, short: { ours: 2, others: 2 } };

interface Written {
    n: number;
    written: number;
}

async function trial(_stage: Stage, side: Side, form: Form): Promise<Trial> {
    const names = Array.from({ length: side.kind === "ours" ? pods[form].ours : pods[form].others }, (_, i) => `${side.kind}-${i}`);
    const without = { ours: "nothing", without: "log-drain", origin: "sidecars" } as const;
    const sls = new Sls();
    try {
        await prepare(sls);
        await apply(...(await Promise.all(names.map((name) => writer(name, without[side.kind])))));
        const running = (await Promise.all(names.map(ready))).flat().map(({ metadata }) => metadata.name);
        const standardOutputs = running.map((pod) => new StandardOutput(pod));
        // One after the other: a busy kubelet would give a collector more time than a pod normally has.
        for (const name of names) {
            await kubectl("--namespace", namespace, "delete", "deployment", name);
            await pause(1.5);
        }
        await Promise.all(names.map(gone));
        const found = running.map((pod, i) =>
            missingOf(standardOutputs[i] as StandardOutput, new Set(sls.linesOf(pod).map(({ fields }) => fields.n))),
        );
        const sum = (of: (one: (typeof found)[number]) => number) => found.reduce((total, one) => total + of(one), 0);
        const group = "pods that end while they write 200 lines per second";
        return {
            counts: [
                { group, what: "pods", value: running.length },
                { group, what: "written lines", value: sum(({ lines }) => lines) },
                { group, what: "lines missing in the logstore", value: sum(({ missing }) => missing), goal: 0 },
                { group, what: "lines written in the last second of each pod", value: sum(({ lastLines }) => lastLines) },
                { group, what: "lines of the last second missing in the logstore", value: sum(({ lastMissing }) => lastMissing), goal: 0 },
            ],
        };
    } finally {
        await kubectl("delete", "namespace", namespace, "--ignore-not-found");
        await sls.stop();
        sls.remove();
    }
}

/** A container's standard output, read from the node's file. An open file can be read even after the pod is deleted. */
class StandardOutput {
    private readonly file: number;

    constructor(pod: string) {
        const folder = "/var/log/pods";
        const ofPod = readdirSync(folder).find((name) => name.startsWith(`${namespace}_${pod}_`)) as string;
        const container = readdirSync(join(folder, ofPod)).find((name) => !name.startsWith("log-")) as string;
        this.file = openSync(join(folder, ofPod, container, "0.log"), "r");
    }

    lines(): Written[] {
        const content = Buffer.alloc(fstatSync(this.file).size);
        readSync(this.file, content);
        closeSync(this.file);
        // `TIME stdout F LINE`
        const written = content.toString("utf8").match(/(?<= stdout F )\{.*\}$/gm) ?? [];
        return written.map((line) => JSON.parse(line) as Written);
    }
}

function missingOf(output: StandardOutput, arrived: ReadonlySet<number>) {
    const lines = output.lines();
    const end = lines.at(-1)?.written ?? 0;
    const last = lines.filter(({ written }) => written > end - 1);
    const missing = (of: Written[]) => of.filter(({ n }) => !arrived.has(n)).length;
    return { lines: lines.length, missing: missing(lines), lastLines: last.length, lastMissing: missing(last) };
}

export const lines: Experiment = {
    name: "lines",
    title: "The last log lines of a pod",
    method: "The pods have the product's pod template, with a log writer in place of the app. The writer writes 200 lines per second to /var/log/sms and rotates its files until the pod ends. The written lines are read from the node. The received lines are read from a stand-in for Simple Log Service (SLS).",
    protections: { "log-drain": "the second sidecar is removed; it gives the log collector time to read all lines" },
    origin: "its emptyDir for logs. The manifest has no log collector, so it does different work: its lines never leave the pod",
    trial,
};
